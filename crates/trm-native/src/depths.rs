//! Depths as typed: `1..8` (both ends included), `1,2,4`, or a mixture.

/// Most cycles anyone may ask for, so that a typing error does not run for days.
const DEEPEST: usize = 1024;

/// The depths that `text` names, in its order.
pub fn parse(text: &str) -> Result<Vec<usize>, String> {
    let mut depths = Vec::new();
    for part in text.split(',') {
        match part.split_once("..") {
            Some((low, high)) => {
                let (low, high) = (depth(low)?, depth(high.trim_start_matches('='))?);
                if low > high {
                    return Err(format!("{low}..{high} runs backwards"));
                }
                depths.extend(low..=high);
            }
            None => depths.push(depth(part)?),
        }
    }
    Ok(depths)
}

fn depth(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(depth @ 1..=DEEPEST) => Ok(depth),
        Ok(0) => Err("depth 0 runs no cycle; the smallest is 1".into()),
        Ok(depth) => Err(format!("depth {depth} is more than {DEEPEST}")),
        Err(_) => Err(format!("`{text}` is not a depth; write 1..8 or 1,2,4")),
    }
}

/// One depth, as `--depth` takes it.
pub fn parse_one(text: &str) -> Result<usize, String> {
    depth(text)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn ranges_include_both_ends_and_lists_keep_their_order() {
        assert_eq!(parse("1..4"), Ok(vec![1, 2, 3, 4]));
        assert_eq!(parse("1..=2"), Ok(vec![1, 2]));
        assert_eq!(parse("4, 1,2"), Ok(vec![4, 1, 2]));
        assert_eq!(parse("1..2,8"), Ok(vec![1, 2, 8]));
    }

    #[test]
    fn what_is_no_depth_says_why() {
        for (text, word) in [
            ("0", "smallest is 1"),
            ("4..1", "backwards"),
            ("x", "1..8"),
            ("", "1..8"),
            ("9999", "more than"),
        ] {
            assert!(parse(text).expect_err(text).contains(word), "{text}");
        }
    }
}
