//! What a command reads before it starts: data, features of images, frozen bases, texts.

pub mod dataset;
pub mod features;
pub mod frozen_base;
pub mod text_file;
