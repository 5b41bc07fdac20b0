//! MNIST's files: idx, plain or compressed with gzip. Fashion-MNIST and others have
//! the same.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::dataset::{Content, check_labels};
use super::error::ImageError;
use super::open::{Opened, damaged, folder_name, unreadable};
use super::set::ImageSize;

/// Grey images of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxImages {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// `[images, height, width]`, from 0 to 255.
    pub pixels: Vec<u8>,
}

impl IdxImages {
    /// Images in the file.
    pub fn len(&self) -> usize {
        self.pixels.len() / (self.height * self.width)
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }
}

/// What files begin with that are compressed with gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// More pixels are in no file of this layout.
const LARGEST: u64 = 1 << 31;

/// The images in the file at `path`.
///
/// # Errors
/// If it cannot be read, or is not a whole idx file of images with one byte for a pixel.
pub fn read_idx_images(path: &Path) -> Result<IdxImages, ImageError> {
    let (sizes, pixels) = read(path, 3, "images")?;
    let [_, height, width] = sizes[..] else {
        return Err(damaged(path, "it has no three axes"));
    };
    if height == 0 || width == 0 {
        return Err(damaged(path, "its images have no pixels"));
    }
    Ok(IdxImages { height, width, pixels })
}

/// The labels in the file at `path`.
///
/// # Errors
/// If it cannot be read, or is not a whole idx file of labels.
pub fn read_idx_labels(path: &Path) -> Result<Vec<u8>, ImageError> {
    Ok(read(path, 1, "labels")?.1)
}

/// Sizes of the axes and the bytes of an idx file.
fn read(path: &Path, axes: u8, what: &str) -> Result<(Vec<usize>, Vec<u8>), ImageError> {
    let mut reader = open(path)?;
    let mut magic = [0; 4];
    let mut sizes = vec![[0; 4]; axes.into()];
    reader.read_exact(&mut magic).map_err(|error| cut(path, &error))?;
    if magic != [0, 0, 8, axes] {
        let [a, b, c, d] = magic;
        return Err(damaged(
            path,
            format!(
                "it begins with {a:02x}{b:02x}{c:02x}{d:02x}, but idx {what} begin with 000008{axes:02x}"
            ),
        ));
    }
    reader.read_exact(sizes.as_flattened_mut()).map_err(|error| cut(path, &error))?;
    let sizes: Vec<u64> = sizes.into_iter().map(|size| u32::from_be_bytes(size).into()).collect();
    let bytes = sizes.iter().try_fold(1_u64, |bytes, size| bytes.checked_mul(*size));
    let bytes = bytes
        .filter(|bytes| *bytes <= LARGEST)
        .ok_or_else(|| damaged(path, format!("its header claims the shape {sizes:?}")))?;
    let mut data = Vec::new();
    // One more, so that a longer file is noticed and a compressed one stays small.
    reader.take(bytes + 1).read_to_end(&mut data).map_err(|error| cut(path, &error))?;
    if data.len() as u64 != bytes {
        let found = if data.len() as u64 > bytes { "more".into() } else { data.len().to_string() };
        return Err(damaged(
            path,
            format!("its header promises {bytes} bytes of {what}, and it has {found}"),
        ));
    }
    Ok((sizes.into_iter().map(|size| size as usize).collect(), data))
}

fn open(path: &Path) -> Result<Box<dyn Read>, ImageError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut file = BufReader::new(file);
    // Whatever its name is: browsers and archive tools leave or drop the ending.
    let start = file.fill_buf().map_err(|error| unreadable(path, &error))?;
    Ok(match start.starts_with(&GZIP) {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    })
}

fn cut(path: &Path, error: &std::io::Error) -> ImageError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => damaged(path, "it is cut short"),
        std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput => {
            damaged(path, format!("it cannot be decompressed ({error})"))
        }
        _ => unreadable(path, error),
    }
}

/// The file of `part`, `train` or `t10k`, and `kind`, such as `images-idx3`: with a dot
/// instead of the second hyphen too, as some archives have it.
fn find(folder: &Path, part: &str, kind: &str) -> Option<PathBuf> {
    let plain = format!("{part}-{kind}-ubyte");
    let dotted = format!("{part}-{}-ubyte", kind.replace('-', "."));
    let names = [&plain, &dotted].map(|name| [name.clone(), format!("{name}.gz")]);
    let paths = names.as_flattened().iter().map(|name| folder.join(name));
    paths.into_iter().find(|path| path.is_file())
}

/// The four files of MNIST in `folder`, or `None` if it has none of them.
pub(crate) fn open_idx(folder: &Path) -> Result<Option<Opened>, ImageError> {
    let files = ["train", "t10k"].map(|part| {
        ["images-idx3", "labels-idx1"].map(|kind| (part, kind, find(folder, part, kind)))
    });
    if files.as_flattened().iter().all(|(_, _, path)| path.is_none()) {
        return Ok(None);
    }
    let mut size: Option<ImageSize> = None;
    let (mut pixels, mut labels, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for part in &files {
        let [images, part_labels] = part.each_ref().map(|(part, kind, path)| {
            path.as_deref().ok_or_else(|| ImageError::UnknownLayout {
                path: folder.display().to_string(),
                reason: format!("it lacks MNIST's file {part}-{kind}-ubyte"),
            })
        });
        let (images_path, labels_path) = (images?, part_labels?);
        let images = read_idx_images(images_path)?;
        let found = read_idx_labels(labels_path)?;
        if found.len() != images.len() {
            return Err(damaged(
                labels_path,
                format!("it has {} labels for {} images", found.len(), images.len()),
            ));
        }
        let of = ImageSize { channels: 1, height: images.height, width: images.width };
        if *size.get_or_insert(of) != of {
            return Err(damaged(
                images_path,
                format!(
                    "its images are {} × {} pixels, and those to train on have another size",
                    of.width, of.height
                ),
            ));
        }
        let found: Vec<u16> = found.into_iter().map(u16::from).collect();
        check_labels(&labels_path.display().to_string(), &found, CLASSES)?;
        counts.push(found.len());
        labels.extend(found);
        pixels.extend(images.pixels);
    }
    let Some(size) = size else { return Ok(None) };
    let content = Content {
        name: folder_name(folder),
        classes: (0..CLASSES).map(|class| class.to_string()).collect(),
        sha256: String::new(),
        size,
        levels: 255,
        labels,
        counts: [counts[0], 0, counts[1]],
    };
    Ok(Some(Opened::table(content, pixels)))
}

/// Of MNIST and of all data sets that took its form.
const CLASSES: usize = 10;
