//! Batches of images by address: each image once in an epoch, in an order of its
//! own and changed anew.

use rand::RngExt;

use super::augment::{Augment, Augmentation};
use super::preprocessing::Preprocessing;
use super::set::ImageSet;
use crate::draw::{draw, stream};
use crate::epochs::Permutation;

/// A few images as a model takes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageBatch {
    /// `[images, channels, size, size]`, normalised.
    pub pixels: Vec<f32>,
    /// `[images]`.
    pub labels: Vec<u32>,
    /// `[images]`: their numbers in their split.
    pub rows: Vec<usize>,
    /// `[images]`: how each was changed; empty where none was.
    pub augmentations: Vec<Augmentation>,
}

impl ImageBatch {
    /// Images in the batch.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether it has no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

impl ImageSet {
    /// The images numbered `rows`, as they are.
    ///
    /// # Panics
    /// If there is no image of such a number.
    pub fn gather(
        &self,
        rows: impl IntoIterator<Item = usize>,
        preprocessing: &Preprocessing,
    ) -> ImageBatch {
        let table = preprocessing.table(self.levels);
        let mut batch = ImageBatch::default();
        for row in rows {
            table.append(self.image(row), &mut batch.pixels);
            batch.labels.push(self.label(row));
            batch.rows.push(row);
        }
        batch
    }

    /// The rows of batch `number` of the run seeded with `seed`: every image once in
    /// an epoch. A function of its arguments alone, so that a resumed run needs only
    /// its step.
    ///
    /// # Panics
    /// If the set is empty.
    pub fn batch_rows(&self, seed: u64, number: u64, size: usize) -> Vec<usize> {
        assert!(!self.is_empty(), "a set to learn from has images");
        let images = self.len() as u128;
        let first = u128::from(number) * size as u128;
        let mut order: Option<(u64, Permutation)> = None;
        let row = |place: u128| {
            let (epoch, place) = ((place / images) as u64, (place % images) as u64);
            if order.as_ref().is_none_or(|(known, _)| *known != epoch) {
                let keys = draw(seed, stream::IMAGES, epoch).random();
                order = Some((epoch, Permutation { keys, size: images as u64 }));
            }
            order.as_ref().map_or(0, |(_, order)| order.at(place) as usize)
        };
        (first..first + size as u128).map(row).collect()
    }

    /// Batch `number` of the run seeded with `seed`, as of
    /// [`batch_rows`](Self::batch_rows), each image changed as `augment` draws it.
    ///
    /// # Panics
    /// If the set is empty.
    pub fn batch(
        &self,
        seed: u64,
        number: u64,
        size: usize,
        preprocessing: &Preprocessing,
        augment: Augment,
    ) -> ImageBatch {
        let rows = self.batch_rows(seed, number, size);
        if augment == Augment::default() {
            return self.gather(rows, preprocessing);
        }
        let table = preprocessing.table(self.levels);
        let mut batch = ImageBatch::default();
        let places = (u128::from(number) * size as u128)..;
        for (place, row) in places.zip(rows) {
            let augmentation = augment.draw(&mut draw(seed, stream::AUGMENTATIONS, place as u64));
            table.append(&augmentation.apply(self.image(row), self.size), &mut batch.pixels);
            batch.labels.push(self.label(row));
            batch.rows.push(row);
            batch.augmentations.push(augmentation);
        }
        batch
    }
}
