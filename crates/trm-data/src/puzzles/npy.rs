//! Arrays of whole numbers in NumPy's `.npy` files, versions 1 and 2,
//! little-endian, row-major. Nothing else is read: floats, objects and Fortran
//! order are refused, as is a header that promises more than the file holds.

/// An array that fits into 32 bits without a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Sizes of the dimensions.
    pub shape: Vec<usize>,
    /// The numbers, in row-major order.
    pub values: Vec<u32>,
}

const MAGIC: &[u8] = b"\x93NUMPY";

/// Longer headers are of structured types, which are not read here.
const LONGEST_HEADER: usize = 1 << 16;

/// The array in `bytes`, or why there is none.
///
/// # Errors
/// If the bytes are not a `.npy` array of integers from 0 to 2³² − 1, in row-major order.
pub fn parse(bytes: &[u8]) -> Result<Array, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it does not begin like a .npy file")?;
    let (version, rest) = rest.split_at_checked(2).ok_or("it ends within its header")?;
    let width = match version[0] {
        1 => 2,
        2 => 4,
        other => return Err(format!("its format version is {other}, and 1 and 2 are read")),
    };
    let (length, rest) = rest.split_at_checked(width).ok_or("it ends within its header")?;
    let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    if length > LONGEST_HEADER {
        return Err(format!("its header claims {length} bytes"));
    }
    let (header, data) = rest.split_at_checked(length).ok_or("it ends within its header")?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is not text")?;
    if !field(header, "fortran_order")?.starts_with("False") {
        return Err("it is in Fortran order".into());
    }
    let (signed, width) = number_type(field(header, "descr")?)?;
    let shape = shape(field(header, "shape")?)?;
    let count = shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size));
    let claimed = count.and_then(|count| count.checked_mul(width));
    if claimed != Some(data.len()) {
        return Err(format!(
            "its shape {shape:?} does not fit the {} bytes of numbers that it holds",
            data.len()
        ));
    }
    let value = |bytes: &[u8]| {
        let number = bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let negative = signed && bytes[width - 1] >= 0x80;
        u32::try_from(number).ok().filter(|_| !negative)
    };
    let values: Option<Vec<u32>> = data.chunks_exact(width).map(value).collect();
    let values = values.ok_or("it holds a number that is negative or beyond 32 bits")?;
    Ok(Array { shape, values })
}

/// What stands after a key of the header, which is a Python dictionary.
fn field<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    let found = ["'", "\""].into_iter().find_map(|quote| {
        let (_, rest) = header.split_once(&format!("{quote}{key}{quote}"))?;
        rest.trim_start().strip_prefix(':')
    });
    found.map(str::trim_start).ok_or_else(|| format!("its header has no {key}"))
}

/// Whether numbers have a sign, and how many bytes each takes.
fn number_type(text: &str) -> Result<(bool, usize), String> {
    let name = text.get(1..).and_then(|rest| rest.split(['\'', '"']).next()).unwrap_or_default();
    match name {
        "|u1" | "<u1" => Ok((false, 1)),
        "|i1" | "<i1" => Ok((true, 1)),
        "<u2" => Ok((false, 2)),
        "<i2" => Ok((true, 2)),
        "<u4" => Ok((false, 4)),
        "<i4" => Ok((true, 4)),
        "<u8" => Ok((false, 8)),
        "<i8" => Ok((true, 8)),
        _ => Err(format!("its numbers are {name:?}, not little-endian whole numbers")),
    }
}

fn shape(text: &str) -> Result<Vec<usize>, String> {
    let inner = text.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (inner, _) = inner.ok_or("its header has no usable shape")?;
    let sizes = inner.split(',').map(str::trim).filter(|size| !size.is_empty());
    sizes.map(|size| size.parse().map_err(|_| format!("its shape has the size {size:?}"))).collect()
}
