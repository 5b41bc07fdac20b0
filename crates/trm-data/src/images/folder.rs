//! Folders of images, one folder for each class: `train/CLASS/IMAGE` with `val` (or `valid`,
//! `validation`) and `test` beside it, or `CLASS/IMAGE` alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::dataset::{Content, check_classes};
use super::error::ImageError;
use super::open::{Opened, folder_name, unreadable};
use super::set::ImageSize;
use super::source::OtherPictures;
use super::split::ImageSplit;

const ENDINGS: [&str; 4] = ["jpeg", "jpg", "png", "webp"];

/// Endings of pictures that are not read.
const OTHERS: [&str; 7] = ["avif", "bmp", "gif", "heic", "heif", "tif", "tiff"];

/// The images in `folder`, or `None` if it has no folders. Only their names are read.
pub(crate) fn open_folder(folder: &Path) -> Result<Option<Opened>, ImageError> {
    let found = folders(folder)?;
    if found.is_empty() {
        return Ok(None);
    }
    let part = |split: ImageSplit| found.iter().find(|path| is_part(path, split)).cloned();
    // A class may be called `train` too: its folder holds images, and no other is a split's.
    let others = [ImageSplit::Val, ImageSplit::Test].iter().any(|split| part(*split).is_some());
    let train = match part(ImageSplit::Train) {
        Some(train) if others || !folders(&train)?.is_empty() => Some(train),
        _ => None,
    };
    let split = train.is_some();
    for one in ImageSplit::ALL.into_iter().filter(|_| split) {
        let mut same = found.iter().filter(|path| is_part(path, one));
        if let (Some(first), Some(second)) = (same.next(), same.next()) {
            return Err(ImageError::UnknownLayout {
                path: second.display().to_string(),
                reason: format!(
                    "it is the same split as `{}`, and its images would be passed over",
                    name(first)
                ),
            });
        }
    }
    let of_split = |path: &&PathBuf| ImageSplit::ALL.iter().any(|split| is_part(path, *split));
    if let Some(other) = found.iter().find(|path| split && !of_split(path)) {
        return Err(ImageError::UnknownLayout {
            path: other.display().to_string(),
            reason: "it lies beside `train`, and its images would be passed over".into(),
        });
    }
    let root = train.unwrap_or_else(|| folder.to_owned());
    no_loose_images(&root)?;
    let classes = names(&folders(&root)?);
    check_classes(&folder_name(folder), usize::MAX, classes.len())?;
    let (mut paths, mut labels, mut counts) = (Vec::new(), Vec::new(), [0; 3]);
    let mut other = OtherPictures::default();
    for (split_part, count) in ImageSplit::ALL.into_iter().zip(&mut counts) {
        let root = match split_part {
            ImageSplit::Train => root.clone(),
            other => match part(other).filter(|_| split) {
                Some(root) => {
                    no_loose_images(&root)?;
                    root
                }
                None => continue,
            },
        };
        let found = names(&folders(&root)?);
        if let Some(other) = found.iter().find(|name| !classes.contains(name)) {
            return Err(ImageError::UnknownLayout {
                path: root.join(other).display().to_string(),
                reason: "there is no class of this name to train on".into(),
            });
        }
        for (label, class) in classes.iter().enumerate().filter(|(_, class)| found.contains(class))
        {
            let images = images(&root.join(class), &mut other)?;
            *count += images.len();
            labels.resize(labels.len() + images.len(), label as u16);
            paths.extend(images);
        }
    }
    let content = Content {
        name: folder_name(folder),
        classes,
        sha256: String::new(),
        size: ImageSize { channels: 3, height: 0, width: 0 },
        levels: 255,
        labels,
        counts,
    };
    Ok(Some(Opened::files(content, paths, other)))
}

/// Whether a folder is called as a split is.
fn is_part(path: &Path, split: ImageSplit) -> bool {
    let others: &[&str] = match split {
        ImageSplit::Val => &["valid", "validation"],
        ImageSplit::Train | ImageSplit::Test => &[],
    };
    let name = name(path);
    name == split.name() || others.contains(&name.as_str())
}

/// Refuses images beside the folders of classes, which have no class.
fn no_loose_images(folder: &Path) -> Result<(), ImageError> {
    match entries(folder)?.iter().find(|path| is_image(path)) {
        None => Ok(()),
        Some(image) => Err(ImageError::UnknownLayout {
            path: folder.display().to_string(),
            reason: format!(
                "{} lies outside the folders of classes, and such images would be passed over",
                name(image)
            ),
        }),
    }
}

fn is_image(path: &Path) -> bool {
    ends_in(path, &ENDINGS)
}

/// Whether a path is a file with one of the `endings`.
fn ends_in(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    endings.contains(&ending.as_str()) && !hidden(path) && path.is_file()
}

/// The images of a class, in the order of their names, so that every machine has the same. Those
/// of other types are added to `other`.
fn images(folder: &Path, other: &mut OtherPictures) -> Result<Vec<PathBuf>, ImageError> {
    let all = entries(folder)?;
    for inner in all.iter().filter(|path| path.is_dir() && !hidden(path)) {
        if entries(inner)?.iter().any(|path| is_image(path)) {
            return Err(ImageError::UnknownLayout {
                path: inner.display().to_string(),
                reason: "it lies in the folder of a class, and its images would be passed over"
                    .into(),
            });
        }
    }
    for path in all.iter().filter(|path| ends_in(path, &OTHERS)) {
        other.add(path);
    }
    let images: Vec<PathBuf> = all.into_iter().filter(|path| is_image(path)).collect();
    if images.is_empty() {
        return Err(ImageError::EmptyClass { path: folder.display().to_string() });
    }
    Ok(images)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let entries = entries(folder)?;
    Ok(entries.into_iter().filter(|path| path.is_dir() && !hidden(path)).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let entries = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
    let mut entries: Vec<PathBuf> = entries.map_err(|error| unreadable(folder, &error))?;
    entries.sort();
    Ok(entries)
}

fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| name(path)).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn hidden(path: &Path) -> bool {
    name(path).starts_with('.')
}
