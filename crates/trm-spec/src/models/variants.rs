//! The list of models as a macro: the code that has to name each of them.

/// Generates, from a list of `Name(Spec), aliases: ["old name", …];`, the enum
/// `VariantSpec` with one method for each item of [`ModelSpec`](super::ModelSpec), and
/// the tables `VARIANTS` and `MODELS`. In JSON a variant is called by its identifier in
/// snake case, which is also its `ModelSpec::NAME`; aliases are read too. An entry that
/// ends in `only if …` exists under that `cfg` condition.
macro_rules! variants {
    ($(
        $(#[$meta:meta])*
        $variant:ident($spec:ty), aliases: [$($alias:literal),*] $(, only if $cfg:meta)?;
    )*) => {
        /// A model and its sizes. Only the trainer's registry matches on the variants;
        /// everything else calls the methods, which every model answers.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
        #[serde(tag = "variant", rename_all = "snake_case")]
        pub enum VariantSpec {
            $(
                $(#[$meta])*
                $(#[serde(alias = $alias)])*
                $(#[cfg($cfg)])?
                $variant($spec),
            )*
        }

        /// The names of the models, as configurations and checkpoints hold them.
        pub const VARIANTS: &[&str] = &[$($(#[cfg($cfg)])? <$spec>::NAME),*];

        /// Every model, in the order in which they are listed.
        pub const MODELS: &[ModelInfo] =
            &[$($(#[cfg($cfg)])? ModelInfo::of::<$spec>(&[$($alias),*])),*];

        $(
            $(#[cfg($cfg)])?
            impl From<$spec> for VariantSpec {
                fn from(spec: $spec) -> Self {
                    Self::$variant(spec)
                }
            }
        )*

        impl VariantSpec {
            /// The name in configurations and checkpoints.
            pub fn name(&self) -> &'static str {
                match self { $($(#[cfg($cfg)])? Self::$variant(_) => <$spec>::NAME,)* }
            }

            /// The name that people read.
            pub fn title(&self) -> &'static str {
                match self { $($(#[cfg($cfg)])? Self::$variant(_) => <$spec>::TITLE,)* }
            }

            /// The kind of task the model is made for.
            pub fn family(&self) -> Family {
                match self { $($(#[cfg($cfg)])? Self::$variant(_) => <$spec>::FAMILY,)* }
            }

            /// The setting that holds [`depth`](Self::depth); none where it is always 1.
            pub fn depth_key(&self) -> Option<&'static str> {
                match self { $($(#[cfg($cfg)])? Self::$variant(_) => <$spec>::DEPTH_KEY,)* }
            }

            /// Readouts of one forward pass in training: the cycles of a language
            /// model, the supervision steps of a puzzle model.
            pub fn depth(&self) -> usize {
                match self { $($(#[cfg($cfg)])? Self::$variant(spec) => spec.depth(),)* }
            }

            /// Sets [`depth`](Self::depth).
            pub fn set_depth(&mut self, depth: usize) {
                match self { $($(#[cfg($cfg)])? Self::$variant(spec) => spec.set_depth(depth),)* }
            }

            /// Takes over what the data decided when the model of `trained` was made; nothing
            /// from another model.
            pub fn take_decided(&mut self, trained: &Self) {
                match (self, trained) {
                    $($(#[cfg($cfg)])? (Self::$variant(spec), Self::$variant(trained)) => {
                        ModelSpec::take_decided(spec, trained);
                    })*
                    _ => {}
                }
            }

            /// Tokens in a whole row: the context length, or the cells of a puzzle.
            pub fn length(&self) -> usize {
                match self { $($(#[cfg($cfg)])? Self::$variant(spec) => spec.length(),)* }
            }

            /// The images that it takes, of an image classifier.
            pub fn image(&self) -> Option<ImageShape> {
                match self { $($(#[cfg($cfg)])? Self::$variant(spec) => spec.image(),)* }
            }

            /// Whether it reads a frozen base: features of a ViT, or states of a decoder.
            pub fn reads_base(&self) -> bool {
                self.family() == Family::Questions
                    || self.image().is_some_and(|shape| shape.vit_depth > 0)
            }

            /// Tokens that are predicted at once.
            pub fn chunk_size(&self) -> usize {
                match self { $($(#[cfg($cfg)])? Self::$variant(spec) => spec.chunk_size(),)* }
            }

            /// Probability of dropping an activation in training.
            pub fn dropout(&self) -> f64 {
                match self { $($(#[cfg($cfg)])? Self::$variant(spec) => spec.dropout(),)* }
            }

            /// Numbers in a model of `vocab_size` tokens, including those that no
            /// gradient trains. Saturates at the largest `usize`.
            pub fn parameters(&self, vocab_size: usize) -> usize {
                match self { $($(#[cfg($cfg)])? Self::$variant(spec) => spec.parameters(vocab_size),)* }
            }

            /// Most numbers that a model of this kind may have.
            pub fn max_parameters(&self) -> u64 {
                match self { $($(#[cfg($cfg)])? Self::$variant(_) => <$spec>::MAX_PARAMETERS,)* }
            }

            /// Floating-point operations that training spends on one token, forward
            /// and backward, on average over the depths that `train` draws.
            pub fn training_flops_per_token(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
                match self {
                    $($(#[cfg($cfg)])? Self::$variant(spec) => spec.training_flops_per_token(train, vocab_size),)*
                }
            }

            /// Bytes that training holds whatever the batch is, beside the parameters with
            /// what the optimizer has of them.
            pub fn held_bytes(&self, vocab_size: usize) -> f64 {
                match self {
                    $($(#[cfg($cfg)])? Self::$variant(spec) => spec.held_bytes(vocab_size),)*
                }
            }

            /// Bytes of the tables that are computed from the sizes and not stored. Saturates.
            pub fn table_bytes(&self) -> u64 {
                match self { $($(#[cfg($cfg)])? Self::$variant(spec) => spec.table_bytes(),)* }
            }

            /// Bytes that training keeps of one row of a batch until its backward pass is
            /// done, on the CPU.
            pub fn kept_bytes(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
                match self {
                    $($(#[cfg($cfg)])? Self::$variant(spec) => spec.kept_bytes(train, vocab_size),)*
                }
            }

            /// Checks the ranges of the model's settings, how they go together, and the
            /// training settings that not every model allows.
            ///
            /// # Errors
            /// Names the first setting that cannot be used.
            pub fn validate(&self, train: &TrainSpec) -> Result<(), SettingError> {
                match self {
                    $($(#[cfg($cfg)])? Self::$variant(spec) => {
                        crate::settings::ranges(<$spec>::SETTINGS, self)?;
                        spec.validate(train)
                    })*
                }
            }

            /// Checks that training reaches every parameter.
            ///
            /// # Errors
            /// Names the setting that keeps a parameter from being trained.
            pub fn validate_training(&self, train: &TrainSpec) -> Result<(), SettingError> {
                match self {
                    $($(#[cfg($cfg)])? Self::$variant(spec) => spec.validate_training(train),)*
                }
            }

            /// The sizes that a summary of a run shows.
            pub fn shown(&self) -> Sizes {
                match self { $($(#[cfg($cfg)])? Self::$variant(spec) => spec.shown(),)* }
            }

            /// The sizes that decide the shapes of the weights: weights of one model fit
            /// another where all of these are equal.
            pub fn sizes(&self) -> Sizes {
                match self { $($(#[cfg($cfg)])? Self::$variant(spec) => spec.sizes(),)* }
            }
        }
    };
}

pub(super) use variants;
