//! The frozen language model that reads a question and writes its answer.

use burn::tensor::Device;
use trm_core::Init;
use trm_core::models::llama::Llama;
use trm_core::models::llm_trm::FrozenDecoder;
use trm_data::{Decoder, SubwordTokenizer};
use trm_spec::{Failure, FailureKind, LlamaSpec, LlmTrmSpec, Vocab};

use crate::base::{BaseFile, refused};
use crate::checkpoint::{Base, Checkpoint};

/// Names of the token that ends an answer, the preferred one first.
const ENDS: [&str; 4] = ["<|im_end|>", "<|endoftext|>", "</s>", "<|end_of_text|>"];

/// A decoder that is never trained, with its tokens.
pub struct FrozenLlm {
    /// Its weights.
    pub decoder: FrozenDecoder,
    vocab: Vocab,
    tokenizer: Option<SubwordTokenizer>,
    /// The token that ends an answer.
    end: u32,
    identity: Base,
}

impl FrozenLlm {
    /// `spec` with the sizes of a decoder.
    pub fn fitted(spec: &LlmTrmSpec, base: &LlamaSpec) -> LlmTrmSpec {
        LlmTrmSpec {
            base_hidden_size: base.hidden_size,
            base_layers: base.n_layers,
            base_query_size: base.num_heads * base.head_dim(),
            base_kv_size: base.num_kv_heads * base.head_dim(),
            base_block_size: base.block_size,
            ..spec.clone()
        }
    }

    /// Opens `file`, which holds a decoder of `sizes` and is called `identity` in checkpoints,
    /// for a model of `spec`.
    ///
    /// # Errors
    /// If the file is damaged, does not fit the model, or has no token that ends an answer.
    pub fn open(
        file: BaseFile<'_>,
        identity: Base,
        sizes: &LlamaSpec,
        spec: &LlmTrmSpec,
        device: &Device,
    ) -> Result<Self, Failure> {
        let fitted = Self::fitted(spec, sizes);
        let wanted = [
            ("hidden_size", fitted.base_hidden_size, spec.base_hidden_size),
            ("n_layers", fitted.base_layers, spec.base_layers),
            ("query features", fitted.base_query_size, spec.base_query_size),
            ("key features", fitted.base_kv_size, spec.base_kv_size),
        ];
        if let Some((what, found, wanted)) =
            wanted.into_iter().find(|(_, found, wanted)| found != wanted)
        {
            return Err(refused(format!(
                "{} has {what} {found}, but this model needs {wanted}",
                file.name
            )));
        }
        let checkpoint = Checkpoint::read(file.bytes)?;
        let vocab = checkpoint.header.vocab.clone();
        checkpoint.expect_size(checkpoint.header.config.model.parameters(vocab.size()))?;
        let empty =
            Llama::new(sizes, vocab.size(), &mut Init::zeros(&device.clone().without_autodiff()));
        let decoder = FrozenDecoder::new(checkpoint.restore(empty)?);
        let (tokenizer, end) = tokens(&vocab, file.name)?;
        Ok(Self { decoder, vocab, tokenizer, end, identity })
    }

    /// How checkpoints name it.
    pub fn identity(&self) -> &Base {
        &self.identity
    }

    /// Where its weights are.
    pub fn device(&self) -> Device {
        self.decoder.device()
    }

    /// The token that ends an answer.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// A text as tokens.
    ///
    /// # Errors
    /// If the decoder has no tokenizer.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Failure> {
        match &self.tokenizer {
            Some(tokenizer) => Ok(tokenizer.encode(text)),
            None => trm_data::encode(&self.vocab, text).map_err(|error| {
                Failure::new(FailureKind::Prompt, error.to_string(), error.hint())
            }),
        }
    }

    /// Reads tokens as text as they come.
    pub fn decoder(&self) -> Decoder {
        Decoder::new(&self.vocab)
    }
}

/// The tokenizer, and the token that ends an answer: of a vocabulary without named tokens
/// the last one.
fn tokens(vocab: &Vocab, name: &str) -> Result<(Option<SubwordTokenizer>, u32), Failure> {
    let Vocab::Subword(subwords) = vocab else {
        return Ok((None, vocab.size().saturating_sub(1) as u32));
    };
    let tokenizer = SubwordTokenizer::new(subwords)
        .map_err(|reason| refused(format!("the tokenizer of {name} cannot be used: {reason}")))?;
    let named = |end: &&str| subwords.tokens.iter().position(|token| token == *end);
    let end = ENDS.iter().find_map(named).ok_or_else(|| {
        refused(format!("{name} has no token that ends an answer ({})", ENDS.join(", ")))
    })?;
    Ok((Some(tokenizer), end as u32))
}
