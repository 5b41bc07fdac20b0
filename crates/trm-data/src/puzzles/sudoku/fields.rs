//! Text files as lines of fields that are separated by commas, semicolons or tabs.

use super::lines::is_board;

/// A line that is neither empty nor a comment, cut into fields.
pub(super) struct Row<'a> {
    /// Line of the file, from 1.
    pub number: usize,
    pub fields: Vec<&'a str>,
}

/// What may stand between fields, in the order of preference.
const SEPARATORS: [char; 3] = [',', '\t', ';'];

/// The lines of `text` cut into fields. `is_name` tells usual names of columns.
pub(super) fn rows<'a>(text: &'a str, is_name: fn(&str) -> bool) -> Vec<Row<'a>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Line ends of Unix and Windows, and those of old spreadsheets.
    let end = if text.contains('\n') { '\n' } else { '\r' };
    let lines = text.split(end).zip(1..);
    let content = |(line, _): &(&str, usize)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    };
    let lines: Vec<_> = lines.filter(content).collect();
    let separator = separator(text, &lines, is_name);
    let cut = |(line, number): (&'a str, usize)| {
        // Indentation is no empty field.
        let alone = line.trim();
        let line = if alone.contains(separator) { line } else { alone };
        Row { number, fields: fields(line, separator) }
    };
    lines.into_iter().map(cut).collect()
}

/// The separator that cuts most lines into fields with a board or with a known name.
fn separator(text: &str, lines: &[(&str, usize)], is_name: fn(&str) -> bool) -> char {
    let present = SEPARATORS.into_iter().filter(|separator| text.contains(*separator));
    let useful = |fields: &[&str]| {
        fields.len() > 1 && fields.iter().any(|field| is_board(field) || is_name(field))
    };
    let score = |separator: &char| {
        lines.iter().filter(|(line, _)| useful(&fields(line, *separator))).count()
    };
    let mut best = (SEPARATORS[0], 0);
    for separator in present {
        let score = score(&separator);
        if score > best.1 {
            best = (separator, score);
        }
    }
    best.0
}

/// The fields of a line, without quotes and spaces around them. A separator inside
/// quotes does not part.
fn fields(line: &str, separator: char) -> Vec<&str> {
    let blank = |c: char| c.is_whitespace() && c != separator;
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let start = rest.trim_start_matches(blank);
        let end = closing_quote(start, separator).unwrap_or(0);
        let Some(at) = start[end..].find(separator) else {
            fields.push(bare(start));
            return fields;
        };
        fields.push(bare(&start[..end + at]));
        rest = &start[end + at + separator.len_utf8()..];
    }
}

fn bare(field: &str) -> &str {
    field.trim().trim_matches('"').trim()
}

/// Where the quotes end that a field begins with: before a separator or the end.
fn closing_quote(field: &str, separator: char) -> Option<usize> {
    let inside = field.strip_prefix('"')?;
    let ends = |(at, _): &(usize, &str)| {
        let after =
            inside[at + 1..].trim_start_matches(|c: char| c.is_whitespace() && c != separator);
        after.is_empty() || after.starts_with(separator)
    };
    inside.match_indices('"').find(ends).map(|(at, _)| at + 2)
}
