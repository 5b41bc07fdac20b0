//! Folders of images, one folder for each class: `train/CLASS/IMAGE` with `val` and
//! `test` beside it, or `CLASS/IMAGE` alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::dataset::{Content, check_classes};
use super::error::ImageError;
use super::open::{Opened, folder_name, unreadable};
use super::set::ImageSize;
use super::split::ImageSplit;

const ENDINGS: [&str; 4] = ["jpeg", "jpg", "png", "webp"];

/// The images in `folder`, or `None` if it has no folders. Only their names are read.
pub(crate) fn open_folder(folder: &Path) -> Result<Option<Opened>, ImageError> {
    if folders(folder)?.is_empty() {
        return Ok(None);
    }
    let part = |split: ImageSplit| folder.join(split.name());
    let split = part(ImageSplit::Train).is_dir();
    let root = if split { part(ImageSplit::Train) } else { folder.to_owned() };
    let classes = names(&folders(&root)?);
    check_classes(&folder_name(folder), usize::MAX, classes.len())?;
    let (mut paths, mut labels, mut counts) = (Vec::new(), Vec::new(), [0; 3]);
    for (split_part, count) in ImageSplit::ALL.into_iter().zip(&mut counts) {
        let root = match split_part {
            ImageSplit::Train => root.clone(),
            _ if split && part(split_part).is_dir() => part(split_part),
            _ => continue,
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
            let images = images(&root.join(class))?;
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
    Ok(Some(Opened::files(content, paths)))
}

/// The images of a class, in the order of their names, so that every machine has the same.
fn images(folder: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let is_image = |path: &PathBuf| {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        ENDINGS.contains(&ending.as_str()) && !hidden(path) && path.is_file()
    };
    let all = entries(folder)?;
    for inner in all.iter().filter(|path| path.is_dir() && !hidden(path)) {
        if entries(inner)?.iter().any(is_image) {
            return Err(ImageError::UnknownLayout {
                path: inner.display().to_string(),
                reason: "it lies in the folder of a class, and its images would be passed over"
                    .into(),
            });
        }
    }
    let images: Vec<PathBuf> = all.into_iter().filter(is_image).collect();
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
