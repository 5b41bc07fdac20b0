//! CIFAR-10 and CIFAR-100 in their binary versions.

use std::fs;
use std::path::Path;

use super::dataset::Content;
use super::error::ImageError;
use super::open::{Opened, damaged, folder_name, unreadable};
use super::set::ImageSize;

const SIZE: ImageSize = ImageSize { channels: 3, height: 32, width: 32 };

/// Files of one of the two versions.
struct Layout {
    train: &'static [&'static str],
    test: &'static str,
    names: &'static str,
    classes: usize,
    /// Labels before each image, of which the last one is used: CIFAR-100 has a coarse
    /// one before it.
    labels: usize,
}

const CIFAR_10: Layout = Layout {
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    names: "batches.meta.txt",
    classes: 10,
    labels: 1,
};

const CIFAR_100: Layout = Layout {
    train: &["train.bin"],
    test: "test.bin",
    names: "fine_label_names.txt",
    classes: 100,
    labels: 2,
};

/// The files of CIFAR in `folder`, or `None` if it has none of them.
pub(crate) fn open_cifar(folder: &Path) -> Result<Option<Opened>, ImageError> {
    for layout in [CIFAR_10, CIFAR_100] {
        let files = || layout.train.iter().copied().chain([layout.test]);
        if files().any(|file| folder.join(file).is_file()) {
            return layout.open(folder).map(Some);
        }
    }
    Ok(None)
}

impl Layout {
    fn open(&self, folder: &Path) -> Result<Opened, ImageError> {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for file in self.train {
            self.read(&folder.join(file), &mut pixels, &mut labels)?;
        }
        let train = labels.len();
        self.read(&folder.join(self.test), &mut pixels, &mut labels)?;
        let content = Content {
            name: folder_name(folder),
            classes: self.class_names(folder)?,
            sha256: String::new(),
            size: SIZE,
            levels: 255,
            counts: [train, 0, labels.len() - train],
            labels,
        };
        Ok(Opened::table(content, pixels))
    }

    fn read(
        &self,
        path: &Path,
        pixels: &mut Vec<u8>,
        labels: &mut Vec<u16>,
    ) -> Result<(), ImageError> {
        let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
        let record = self.labels + SIZE.bytes();
        if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
            return Err(damaged(
                path,
                format!("its {} bytes are not images of {record} bytes each", bytes.len()),
            ));
        }
        for (position, image) in bytes.chunks_exact(record).enumerate() {
            let (found, image) = image.split_at(self.labels);
            let label = found[self.labels - 1];
            if usize::from(label) >= self.classes {
                return Err(ImageError::Label {
                    path: path.display().to_string(),
                    label: label.into(),
                    position,
                    classes: self.classes,
                });
            }
            labels.push(label.into());
            pixels.extend_from_slice(image);
        }
        Ok(())
    }

    /// The names beside the images, or the numbers of the classes without them.
    fn class_names(&self, folder: &Path) -> Result<Vec<String>, ImageError> {
        let path = folder.join(self.names);
        if !path.is_file() {
            return Ok((0..self.classes).map(|class| class.to_string()).collect());
        }
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let names: Vec<String> = lines.map(str::to_owned).collect();
        if names.len() != self.classes {
            return Err(damaged(
                &path,
                format!("it names {} classes, not {}", names.len(), self.classes),
            ));
        }
        Ok(names)
    }
}
