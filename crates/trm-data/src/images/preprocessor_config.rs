//! Reading `preprocessor_config.json` of Hugging Face's transformers.

use serde_json::{Map, Value};

use super::error::ImageError;
use super::preprocessing::{Filter, Preprocessing, Resize};

/// What a rescale factor is multiplied with to get [`Preprocessing::scale`].
const BYTE: f64 = 255.0;

impl Preprocessing {
    /// The preprocessing that `json`, a model's `preprocessor_config.json`, describes,
    /// for images of `channels` channels (which the file does not say). Entries that it
    /// lacks have the defaults of `ViTImageProcessor`.
    ///
    /// # Errors
    /// If it is not such a file, or asks for what is not known here, such as images that
    /// are not square.
    pub fn from_preprocessor_config(json: &str, channels: usize) -> Result<Self, ImageError> {
        let config = trm_spec::read_json(json).map_err(|error| unusable(error.to_string()))?;
        let config = Config(config);
        if config.0.contains_key("crop_pct") {
            return Err(unusable("`crop_pct` is not supported".into()));
        }
        let crop = config.flag("do_center_crop", config.0.contains_key("crop_size"))?;
        let resize = if config.flag("do_resize", true)? { config.resize()? } else { Resize::Off };
        let size = match (crop, resize, config.sides("size")?) {
            (true, ..) => config.sides("crop_size")?,
            (false, Resize::Exact { height, width }, _) => Some([height, width]),
            (false, Resize::Off, size) => size,
            (false, Resize::ShortestEdge { .. }, _) => {
                return Err(unusable("`shortest_edge` without a crop gives no square".into()));
            }
        };
        let size = match size {
            Some([height, width]) if height == width => height,
            Some([height, width]) => {
                return Err(unusable(format!("its images are {width} × {height}, not square")));
            }
            None if crop => return Err(unusable("it has no `crop_size`".into())),
            None => DEFAULT_SIZE,
        };
        let rescale = if config.flag("do_rescale", true)? {
            config.number("rescale_factor")?.unwrap_or(1.0 / BYTE)
        } else {
            1.0
        };
        // 1/255 in the file has been rounded.
        let scale = rescale * BYTE;
        let scale = if (scale - scale.round()).abs() < 1e-9 { scale.round() } else { scale };
        let (mut mean, mut std) = (vec![0.0], vec![1.0]);
        if config.flag("do_normalize", true)? {
            (mean, std) = (config.numbers("image_mean")?, config.numbers("image_std")?);
        }
        let filter = config.filter()?;
        let preprocessing = Self { channels, size, resize, crop, filter, scale, mean, std };
        preprocessing.validate()?;
        Ok(preprocessing)
    }
}

const DEFAULT_SIZE: usize = 224;

/// Processors that take a single number of `size` for the shorter side.
const SHORTEST_EDGE: [&str; 3] = ["CLIP", "Bit", "ChineseCLIP"];

fn unusable(reason: String) -> ImageError {
    ImageError::Preprocessing { reason }
}

/// The entries of the file; one that is `null` counts as missing.
struct Config(Map<String, Value>);

impl Config {
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, ImageError> {
        self.read(key, Value::as_bool).map(|flag| flag.unwrap_or(default))
    }

    fn number(&self, key: &str) -> Result<Option<f64>, ImageError> {
        self.read(key, Value::as_f64)
    }

    fn numbers(&self, key: &str) -> Result<Vec<f64>, ImageError> {
        let numbers = |value: &Value| value.as_array()?.iter().map(Value::as_f64).collect();
        self.read(key, numbers).map(Option::unwrap_or_default)
    }

    fn read<T>(
        &self,
        key: &str,
        as_type: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, ImageError> {
        let unknown = |value: &Value| unusable(format!("`{key}` is {value}"));
        self.get(key).map(|value| as_type(value).ok_or_else(|| unknown(value))).transpose()
    }

    /// Height and width, from a number or from an object that has both.
    fn sides(&self, key: &str) -> Result<Option<[usize; 2]>, ImageError> {
        Ok(match self.get(key) {
            None => None,
            Some(Value::Number(side)) => Some([length(key, &Value::from(side.clone()))?; 2]),
            Some(size) if size.get("shortest_edge").is_some() => {
                Some([length(key, &size["shortest_edge"])?; 2])
            }
            Some(size) => Some([length(key, &size["height"])?, length(key, &size["width"])?]),
        })
    }

    fn resize(&self) -> Result<Resize, ImageError> {
        const SIZE: &str = "size";
        let named = ["image_processor_type", "feature_extractor_type"];
        let name = named.iter().find_map(|key| self.get(key)?.as_str()).unwrap_or_default();
        let shorter = SHORTEST_EDGE.iter().any(|start| name.starts_with(start));
        match self.get(SIZE) {
            Some(size @ Value::Number(_)) if shorter => {
                Ok(Resize::ShortestEdge { length: length(SIZE, size)? })
            }
            Some(Value::Object(size)) if size.contains_key("longest_edge") => {
                Err(unusable("`longest_edge` is not supported".into()))
            }
            Some(Value::Object(size)) if size.contains_key("shortest_edge") => {
                Ok(Resize::ShortestEdge { length: length(SIZE, &size["shortest_edge"])? })
            }
            _ => {
                let [height, width] = self.sides(SIZE)?.unwrap_or([DEFAULT_SIZE; 2]);
                Ok(Resize::Exact { height, width })
            }
        }
    }

    /// Pillow's number of a filter.
    fn filter(&self) -> Result<Filter, ImageError> {
        match self.read("resample", Value::as_u64)? {
            Some(0) => Ok(Filter::Nearest),
            Some(1) => Ok(Filter::Lanczos),
            None | Some(2) => Ok(Filter::Bilinear),
            Some(3) => Ok(Filter::Bicubic),
            Some(other) => Err(unusable(format!("`resample` is {other}, not 0, 1, 2 or 3"))),
        }
    }
}

fn length(key: &str, value: &Value) -> Result<usize, ImageError> {
    let length = value.as_u64().and_then(|length| usize::try_from(length).ok());
    length.ok_or_else(|| unusable(format!("`{key}` has the length {value}")))
}
