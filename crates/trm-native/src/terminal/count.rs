//! Numbers for people to read, and counts in the unit of a model's family.

use trm_spec::{Family, VariantSpec};

/// What a model of `family` is trained on and validated by, in the plural.
pub fn items(family: Family) -> &'static str {
    match family {
        Family::Language => "tokens",
        Family::Puzzles => "puzzles",
        Family::Images => "images",
        Family::Questions => "questions",
    }
}

/// The number of [`items`] in a split: of puzzles, a summary counts the cells.
pub fn in_split(model: &VariantSpec, tokens: usize) -> usize {
    match model.family() {
        Family::Puzzles => tokens / model.length().max(1),
        Family::Language | Family::Images | Family::Questions => tokens,
    }
}

/// `1,234 puzzles`, or `1 puzzle`: `what` is in the plural, and its first word that ends in an
/// `s` loses it.
pub fn counted(count: usize, what: &str) -> String {
    let number = thousands(count as u64);
    if count != 1 {
        return format!("{number} {what}");
    }
    let mut plural = true;
    let words = what.split(' ').map(|word| match word.strip_suffix('s') {
        Some(singular) if std::mem::take(&mut plural) => singular,
        _ => word,
    });
    format!("{number} {}", words.collect::<Vec<_>>().join(" "))
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use trm_spec::MODELS;

    use super::*;

    /// The first model of a family, with its defaults.
    fn of(family: Family) -> VariantSpec {
        let model = MODELS.iter().find(|model| model.family == family).expect("one");
        (model.defaults)().0
    }

    #[test]
    fn thousands_are_set_apart() {
        let numbers = [0, 999, 1000, 1_003_854].map(thousands);
        assert_eq!(numbers, ["0", "999", "1,000", "1,003,854"]);
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(0, "steps"), "0 steps");
        assert_eq!(counted(1, "steps"), "1 step");
        assert_eq!(counted(1234, "validation puzzles"), "1,234 validation puzzles");
        assert_eq!(counted(1, "validation puzzles"), "1 validation puzzle");
        assert_eq!(counted(1, "puzzles of others"), "1 puzzle of others");
    }

    #[test]
    fn cells_are_counted_as_puzzles() {
        let puzzles = of(Family::Puzzles);
        assert_eq!(in_split(&puzzles, 3 * puzzles.length()), 3);
        assert_eq!(in_split(&of(Family::Language), 300), 300);
        assert_eq!(in_split(&of(Family::Images), 300), 300);
    }
}
