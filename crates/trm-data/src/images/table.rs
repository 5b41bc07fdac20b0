//! Images as a table of comma-separated values, one image on a line: its pixels row after
//! row, then its label, as UCI distributes the handwritten digits. With a header the label
//! may stand in any column that it calls `label` or `class`. A header may also only number
//! the columns.

use super::error::ImageError;
use super::set::ImageSize;
use super::source::LabelledImages;

/// Full brightness of the handwritten digits; brighter pixels are bytes.
const SIXTEEN: u8 = 16;

/// The square grey images of `text`, not split yet; `name` is what they are called. Pixels
/// are from 0 to 16 where none exceeds that, else from 0 to 255. Labels are numbers from 0,
/// and so are the names of the classes.
///
/// # Errors
/// If a line is no image: other columns than the first one, no square, or a value out of
/// range.
pub fn read_table(name: &str, text: &str) -> Result<LabelledImages, ImageError> {
    let mut lines = text
        .trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
        .peekable();
    let header = lines.next_if(|(_, line)| is_header(line));
    let is_label = |column: &str| {
        ["label", "class"].iter().any(|name| unquoted(column).eq_ignore_ascii_case(name))
    };
    let named = header.and_then(|(_, line)| line.split(',').position(is_label));
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let mut columns = 0;
    for (number, line) in lines {
        let wrong = |reason: String| ImageError::Damaged {
            path: name.into(),
            reason: format!("line {number}: {reason}"),
        };
        let count = line.split(',').count();
        if columns == 0 {
            columns = count;
            if named.is_some_and(|label| label >= columns) {
                return Err(wrong(format!(
                    "{columns} columns, fewer than the header names before the label's"
                )));
            }
        }
        if count != columns {
            return Err(wrong(format!("{count} columns, where the first image has {columns}")));
        }
        let label = named.unwrap_or(columns - 1);
        for (column, value) in line.split(',').map(unquoted).enumerate() {
            let found: u8 = value.parse().map_err(|_| {
                wrong(format!("column {}: {value:?} is no whole number up to 255", column + 1))
            })?;
            if column == label {
                labels.push(u16::from(found));
            } else {
                pixels.push(found);
            }
        }
    }
    let side = columns.saturating_sub(1).isqrt();
    if side == 0 {
        return Err(ImageError::Empty { name: name.into() });
    }
    if side * side + 1 != columns {
        return Err(ImageError::Damaged {
            path: name.into(),
            reason: format!("{} pixels make no square image", columns - 1),
        });
    }
    let brightest = pixels.iter().max().copied().unwrap_or(0);
    let classes = labels.iter().max().map_or(0, |last| usize::from(*last) + 1);
    Ok(LabelledImages {
        name: name.into(),
        classes: (0..classes).map(|class| class.to_string()).collect(),
        size: ImageSize { channels: 1, height: side, width: side },
        levels: if brightest > SIXTEEN { u8::MAX } else { SIXTEEN },
        pixels,
        counts: [labels.len(), 0, 0],
        labels,
        sha256: String::new(),
    })
}

/// Whether a first line names the columns, or numbers them from 0 or 1 as pandas does.
fn is_header(line: &str) -> bool {
    let numbers = |first: usize| {
        let mut fields = (first..).zip(line.split(','));
        fields.all(|(number, field)| unquoted(field).parse::<usize>() == Ok(number))
    };
    let numbered = line.contains(',') && (numbers(0) || numbers(1));
    numbered || line.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn unquoted(field: &str) -> &str {
    field.trim().trim_matches('"')
}
