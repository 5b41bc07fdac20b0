//! How images become the inputs of a model: size, channels and normalisation.

use serde::{Deserialize, Serialize};

use super::error::ImageError;

/// What is done to an image before its pixels are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Resize {
    /// Nothing: images have the model's size.
    Off,
    /// The image gets this size, whatever its shape.
    Exact {
        /// Rows of pixels.
        height: usize,
        /// Pixels in a row.
        width: usize,
    },
    /// The shorter side gets this length; the shape is kept.
    ShortestEdge {
        /// In pixels.
        length: usize,
    },
}

/// How pixels of another size are computed. Where an image gets smaller, each
/// averages over all pixels that it replaces, as in Pillow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// A pixel of the image, without averaging.
    Nearest,
    /// Linear interpolation.
    #[default]
    Bilinear,
    /// Cubic interpolation with a = −0.5.
    Bicubic,
    /// Lanczos with three lobes.
    Lanczos,
}

/// How images become the inputs of a model. In this order: channels, resizing,
/// crop or black border around the centre, normalisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// 1 for grey, 3 for red, green and blue. Transparent pixels become white.
    pub channels: usize,
    /// Height and width of the model's images, in pixels.
    pub size: usize,
    /// What is done to images of another size.
    pub resize: Resize,
    /// Whether the centre is cut out after resizing; without it, an image must then
    /// have the model's size.
    pub crop: bool,
    /// How resizing computes pixels.
    pub filter: Filter,
    /// What full brightness becomes before the mean is subtracted; 1 in most models.
    pub scale: f64,
    /// Mean of each channel, or one for all; 0.5 where there is none.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel, or one for all; 0.5 where there is none.
    pub std: Vec<f64>,
}

/// Larger models are not known.
const LARGEST: usize = 4096;

impl Preprocessing {
    /// Images that have the model's size already, with pixels from −1 to 1.
    pub fn new(channels: usize, size: usize) -> Self {
        Self {
            channels,
            size,
            resize: Resize::Off,
            crop: false,
            filter: Filter::default(),
            scale: 1.0,
            mean: Vec::new(),
            std: Vec::new(),
        }
    }

    /// The same for images of any size: the shorter side is resized, and the centre
    /// cut out.
    pub fn resizing(channels: usize, size: usize) -> Self {
        let resize = Resize::ShortestEdge { length: size };
        Self { resize, crop: true, ..Self::new(channels, size) }
    }

    /// The same normalisation for images of any size, as [`resizing`](Self::resizing).
    pub fn for_any_size(&self) -> Self {
        let (mean, std) = (self.mean.clone(), self.std.clone());
        Self { mean, std, ..Self::resizing(self.channels, self.size) }
    }

    /// Checks that the numbers make sense.
    ///
    /// # Errors
    /// If a size is 0 or absurd, there are not 1 or 3 channels, or a mean or standard
    /// deviation is missing or not usable.
    pub fn validate(&self) -> Result<(), ImageError> {
        let unusable = |reason: String| Err(ImageError::Preprocessing { reason });
        if ![1, 3].contains(&self.channels) {
            return Err(ImageError::Channels { channels: self.channels });
        }
        let sides = match self.resize {
            Resize::Off => vec![self.size],
            Resize::Exact { height, width } => vec![self.size, height, width],
            Resize::ShortestEdge { length } => vec![self.size, length],
        };
        if let Some(side) = sides.into_iter().find(|side| !(1..=LARGEST).contains(side)) {
            return Err(ImageError::Size { side, most: LARGEST });
        }
        for (name, values) in [("mean", &self.mean), ("std", &self.std)] {
            if ![0, 1, self.channels].contains(&values.len()) {
                return unusable(format!(
                    "`{name}` has {} values for {} channels",
                    values.len(),
                    self.channels
                ));
            }
        }
        let finite = |value: &f64| value.is_finite();
        if !self.mean.iter().all(finite) || !self.scale.is_finite() {
            return unusable("`mean` or `scale` is not a number".into());
        }
        if !self.std.iter().all(|std| std.is_finite() && *std > 0.0) {
            return unusable("`std` must be above 0".into());
        }
        Ok(())
    }

    /// What the bytes of an image depend on, in words.
    #[cfg(feature = "files")]
    pub(crate) fn geometry(&self) -> String {
        let Self { channels, size, resize, crop, filter, .. } = self;
        let resize = match resize {
            Resize::Off => "not resized".into(),
            Resize::Exact { height, width } => format!("resized to {width} × {height}"),
            Resize::ShortestEdge { length } => format!("resized to {length} on the shorter side"),
        };
        let crop = if *crop { ", cropped" } else { "" };
        format!("{channels} × {size} × {size}, {resize} ({filter:?}){crop}")
    }

    /// The bytes of an image, `[channels, height, width]` with full brightness at
    /// `levels`, as the model takes them.
    pub fn normalised(&self, image: &[u8], levels: u8) -> Vec<f32> {
        let mut values = Vec::with_capacity(image.len());
        self.table(levels).append(image, &mut values);
        values
    }

    /// The normalised value of every byte in every channel.
    pub(crate) fn table(&self, levels: u8) -> Normalisation {
        let of = |values: &[f64], channel: usize| match values {
            [] => 0.5,
            [one] => *one,
            several => several[channel],
        };
        let channel = |channel| {
            let (mean, std) = (of(&self.mean, channel), of(&self.std, channel));
            std::array::from_fn(|byte| {
                ((byte as f64 / f64::from(levels) * self.scale - mean) / std) as f32
            })
        };
        Normalisation { channels: (0..self.channels).map(channel).collect() }
    }
}

/// Normalised values by channel and byte.
pub(crate) struct Normalisation {
    channels: Vec<[f32; 256]>,
}

impl Normalisation {
    /// Appends the values of an image of `[channels, height, width]`.
    pub fn append(&self, image: &[u8], values: &mut Vec<f32>) {
        let plane = image.len() / self.channels.len();
        for (table, bytes) in self.channels.iter().zip(image.chunks_exact(plane.max(1))) {
            values.extend(bytes.iter().map(|byte| table[usize::from(*byte)]));
        }
    }
}
