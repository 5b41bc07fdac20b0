//! Parses depths: `1..8` (both ends included), `1,2,4`, or a mixture. A depth beyond the largest
//! is a typing error that would run for days.

use trm_spec::MAX_DEPTH;

/// The depths that `text` lists, in its order.
///
/// # Errors
/// If `text` is not a list of depths.
pub fn parse(text: &str) -> Result<Vec<usize>, String> {
    let mut depths = Vec::new();
    for part in text.split(',') {
        match part.split_once("..") {
            Some((low, high)) => {
                let (low, high) = (depth(low)?, depth(high.trim_start_matches('='))?);
                if low > high {
                    return Err(format!("{low}..{high} runs backwards; write {high}..{low}"));
                }
                depths.extend(low..=high);
            }
            None => depths.push(depth(part)?),
        }
    }
    Ok(depths)
}

/// As [`parse`], for models that also run without their recursion: 0 is a depth.
///
/// # Errors
/// If `text` is not a list of depths.
pub fn parse_from_zero(text: &str) -> Result<Vec<usize>, String> {
    let mut depths = Vec::new();
    for part in text.split(',') {
        match part.trim() {
            "0" => depths.push(0),
            part => match part.strip_prefix("0..") {
                Some(high) => {
                    depths.push(0);
                    let high = depth(high.trim_start_matches('='))?;
                    depths.extend(1..=high);
                }
                None => depths.extend(parse(part)?),
            },
        }
    }
    Ok(depths)
}

fn depth(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(depth @ 1..=MAX_DEPTH) => Ok(depth),
        Ok(0) => Err("depth 0 runs no cycle; the smallest is 1".into()),
        Ok(depth) => Err(format!("depth {depth} is more than {MAX_DEPTH}, the largest")),
        Err(_) => Err(format!("`{text}` is not a depth; write 1..8 or 1,2,4")),
    }
}

/// A single depth.
///
/// # Errors
/// If `text` is not a depth.
pub fn parse_one(text: &str) -> Result<usize, String> {
    depth(text)
}

#[cfg(test)]
mod tests {
    use super::{parse, parse_from_zero};

    #[test]
    fn zero_is_a_depth_where_a_model_runs_without_recursion() {
        assert_eq!(parse_from_zero("0"), Ok(vec![0]));
        assert_eq!(parse_from_zero("0..3"), Ok(vec![0, 1, 2, 3]));
        assert_eq!(parse_from_zero("4,0,1..2"), Ok(vec![4, 0, 1, 2]));
        assert!(parse_from_zero("0..x").is_err() && parse_from_zero("-1").is_err());
    }

    #[test]
    fn ranges_include_both_ends_and_lists_keep_their_order() {
        assert_eq!(parse("1..4"), Ok(vec![1, 2, 3, 4]));
        assert_eq!(parse("1..=2"), Ok(vec![1, 2]));
        assert_eq!(parse("4, 1,2"), Ok(vec![4, 1, 2]));
        assert_eq!(parse("1..2,8"), Ok(vec![1, 2, 8]));
    }

    #[test]
    fn errors_name_the_reason() {
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
