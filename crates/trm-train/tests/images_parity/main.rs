//! Parity of image models with their originals: every folder of fixtures of their forms
//! is converted and reproduced, and conversion goes back.

mod head;
mod support;
mod vit;
