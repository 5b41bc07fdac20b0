//! The tensors of a safetensors file, to be renamed, joined and split, and written again.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{TensorView, View};
use safetensors::{Dtype, SafeTensors};
use trm_data::checkpoint::{missing, numbers, write};
use trm_spec::Failure;

use super::refused;

/// A tensor as it is stored.
#[derive(Clone)]
pub(super) struct Stored<'a> {
    dtype: Dtype,
    pub shape: Vec<usize>,
    data: Cow<'a, [u8]>,
}

impl Stored<'_> {
    /// Row-major numbers as f32.
    pub fn f32(shape: Vec<usize>, values: &[f32]) -> Self {
        let data = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { dtype: Dtype::F32, shape, data: Cow::Owned(data) }
    }

    /// The numbers as f32.
    ///
    /// # Errors
    /// If they are not of a float type of 16 or 32 bits.
    pub fn numbers(&self, name: &str) -> Result<Vec<f32>, Failure> {
        let view = TensorView::new(self.dtype, self.shape.clone(), &self.data);
        match (self.dtype, view) {
            (Dtype::F32 | Dtype::F16 | Dtype::BF16, Ok(view)) => Ok(numbers(&view)),
            _ => Err(refused(format!(
                "tensor `{name}` holds {:?}, but F32, F16 or BF16 is expected",
                self.dtype
            ))),
        }
    }

    /// The same numbers in another shape of as many.
    pub fn reshaped(self, shape: Vec<usize>) -> Self {
        Self { shape, ..self }
    }
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.data)
    }

    fn data_len(&self) -> usize {
        self.data.len()
    }
}

/// Tensors by name.
#[derive(Default)]
pub(super) struct Tensors<'a>(BTreeMap<String, Stored<'a>>);

impl<'a> Tensors<'a> {
    /// Reads a file; `rename` gives each tensor its name, or none to leave it out.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn read(bytes: &'a [u8], rename: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        // Checks that every tensor lies inside the file.
        SafeTensors::deserialize(bytes).map_err(damaged)?;
        let data = &bytes[header + 8..];
        let stored = metadata.tensors().into_iter().filter_map(|(name, info)| {
            let (from, to) = info.data_offsets;
            let data = Cow::Borrowed(&data[from..to]);
            Some((rename(&name)?, Stored { dtype: info.dtype, shape: info.shape.clone(), data }))
        });
        Ok(Self(stored.collect()))
    }

    /// Adds the tensors of another file.
    #[cfg(feature = "llm")]
    pub fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Their names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn get(&self, name: &str) -> Option<&Stored<'a>> {
        self.0.get(name)
    }

    pub fn insert(&mut self, name: String, tensor: Stored<'a>) {
        self.0.insert(name, tensor);
    }

    /// Takes a tensor out.
    ///
    /// # Errors
    /// If it is missing.
    pub fn take(&mut self, name: &str) -> Result<Stored<'a>, Failure> {
        match self.0.remove(name) {
            Some(tensor) => Ok(tensor),
            None => Err(refused(missing(name, &self.names().collect::<Vec<_>>()))),
        }
    }

    /// Gives a tensor another name, if it is there.
    pub fn rename(&mut self, old: &str, new: String) {
        if let Some(tensor) = self.0.remove(old) {
            self.0.insert(new, tensor);
        }
    }

    /// Puts tensors below each other, along the first axis, as `name`.
    ///
    /// # Errors
    /// If one is missing, or their types or widths differ.
    pub fn join(&mut self, parts: &[String], name: String) -> Result<(), Failure> {
        let mut joined: Option<Stored<'a>> = None;
        for part in parts {
            let next = self.take(part)?;
            let Some(all) = &mut joined else {
                joined = Some(next);
                continue;
            };
            if all.dtype != next.dtype
                || all.shape.is_empty()
                || all.shape.len() != next.shape.len()
                || all.shape[1..] != next.shape[1..]
            {
                return Err(refused(format!("tensor `{part}` does not fit below `{}`", parts[0])));
            }
            all.shape[0] += next.shape[0];
            all.data.to_mut().extend_from_slice(&next.data);
        }
        self.0.extend(joined.map(|joined| (name, joined)));
        Ok(())
    }

    /// The opposite of [`join`](Self::join), into equal parts.
    ///
    /// # Errors
    /// If it is missing.
    pub fn split(&mut self, name: &str, parts: &[String]) -> Result<(), Failure> {
        let whole = self.take(name)?;
        let mut shape = whole.shape.clone();
        if let Some(rows) = shape.first_mut() {
            *rows /= parts.len();
        }
        let length = whole.data.len() / parts.len();
        for (part, data) in parts.iter().zip(whole.data.chunks_exact(length.max(1))) {
            let data = Cow::Owned(data.to_vec());
            self.0.insert(part.clone(), Stored { dtype: whole.dtype, shape: shape.clone(), data });
        }
        Ok(())
    }

    /// A file with these tensors.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(self, metadata: HashMap<String, String>) -> Result<Vec<u8>, Failure> {
        write(self.0, metadata)
            .map_err(|error| refused(format!("the weights cannot be written: {error}")))
    }
}

fn damaged(error: safetensors::SafeTensorError) -> Failure {
    refused(format!("the weights are not a whole safetensors file ({error})"))
}
