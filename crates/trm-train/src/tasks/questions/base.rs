//! The frozen language model that reads a question and writes its answer.

use std::sync::Arc;

use burn::tensor::Device;
use trm_core::Init;
use trm_core::models::llama::Llama;
use trm_core::models::llm_trm::FrozenDecoder;
use trm_data::{Decoder, FileKind, GLANCE, SubwordTokenizer};
use trm_spec::{BaseSummary, Failure, FailureKind, LlamaSpec, LlmTrmSpec, VariantSpec, Vocab};

use super::chat_memory::ChatMemory;
use crate::base::{BaseFile, refused};
use crate::checkpoint::{Base, Checkpoint, WeightsDigest, fill};
use crate::gguf_decoder::GgufDecoder;
use crate::parameters::{Named, collect};
use crate::transfer::host;

/// Names of the token that ends an answer, the preferred one first.
const ENDS: [&str; 4] = ["<|im_end|>", "<|endoftext|>", "</s>", "<|end_of_text|>"];

/// Name of the token that begins a message of a chat (ChatML).
const TURN: &str = "<|im_start|>";

/// A decoder that is never trained, with its tokens.
pub struct FrozenLlm {
    /// Its weights.
    pub decoder: FrozenDecoder,
    sizes: LlamaSpec,
    vocab: Vocab,
    tokenizer: Option<Arc<SubwordTokenizer>>,
    /// The token that ends an answer.
    end: u32,
    identity: Base,
    /// What the last chat has read.
    pub(super) chat: ChatMemory,
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

    /// The sizes and the tokens of the decoder in `file`, a checkpoint or a GGUF file, without
    /// its weights.
    ///
    /// # Errors
    /// If the file is damaged or no decoder.
    pub fn described(file: &BaseFile<'_>) -> Result<(LlamaSpec, Vocab), Failure> {
        Ok(Source::open(file)?.described())
    }

    /// Opens `file`, a checkpoint or a GGUF file, which is called `identity` in checkpoints.
    /// Each tensor is read when its turn comes. Where `identity` does not say the digest of
    /// the weights, `digest` adds it.
    ///
    /// # Errors
    /// If the file is damaged or no decoder.
    pub fn read(
        file: BaseFile<'_>,
        identity: Base,
        digest: bool,
        device: &Device,
    ) -> Result<Self, Failure> {
        let source = Source::open(&file)?;
        let (sizes, vocab) = source.described();
        let (tokenizer, end) = tokens(&vocab, file.name)?;
        let device = device.clone().without_autodiff();
        let empty = Llama::new(&sizes, vocab.size(), &mut Init::empty(&device));
        let mut names = Vec::new();
        let mut found = (digest && identity.weights.is_none()).then(WeightsDigest::default);
        let llama = fill(empty, |name| {
            let (shape, numbers) = source.tensor(name)?;
            names.push(name.to_owned());
            if let Some(digest) = &mut found {
                digest.add(name, &shape, &numbers);
            }
            Ok((shape, numbers))
        })?;
        source.expect_only(&names)?;
        let weights = found.map(WeightsDigest::finish).or(identity.weights);
        let identity = Base { weights, ..identity };
        let decoder = FrozenDecoder::new(llama);
        let chat = ChatMemory::default();
        Ok(Self { decoder, sizes, vocab, tokenizer, end, identity, chat })
    }

    /// Opens `file` for a model of `spec`.
    ///
    /// # Errors
    /// If the file is damaged, does not fit the model, or has no token that ends an answer.
    pub fn open(
        file: BaseFile<'_>,
        identity: Base,
        spec: &LlmTrmSpec,
        device: &Device,
    ) -> Result<Self, Failure> {
        check_sizes(file.name, &Self::described(&file)?.0, spec)?;
        Self::read(file, identity, true, device)
    }

    /// Whether a model of `spec` can stand on it.
    ///
    /// # Errors
    /// Names the first size that is another one.
    pub fn fits(&self, spec: &LlmTrmSpec) -> Result<(), Failure> {
        check_sizes(&self.identity.name, &self.sizes, spec)
    }

    /// What it is.
    pub fn summary(&self) -> BaseSummary {
        BaseSummary {
            name: self.identity.name.clone(),
            sha256: self.identity.sha256.clone(),
            parameters: VariantSpec::from(self.sizes.clone()).parameters(self.vocab.size()),
            layers: self.sizes.n_layers,
            tokens: self.vocab.size(),
            context: self.context(),
            chats: self.turn().is_some(),
        }
    }

    /// Checks that it is the base that a checkpoint names.
    ///
    /// # Errors
    /// If it is another one.
    pub async fn expect(&self, named: Option<&Base>) -> Result<(), Failure> {
        let Some(named) = named else { return Ok(()) };
        let own = &self.identity;
        let same = own.sha256 == named.sha256
            || named.weights.is_some() && named.weights == Some(self.weights().await?);
        if same {
            return Ok(());
        }
        Err(Failure::new(
            FailureKind::Base,
            format!(
                "{} is not the frozen base of this model, {}: its SHA-256 is {}",
                own.name, named.name, own.sha256
            ),
            format!(
                "Open the base that the model was trained on: the SHA-256 of its file is {}.",
                named.sha256
            ),
        ))
    }

    /// The digest of the weights (see [`WeightsDigest`]).
    ///
    /// # Errors
    /// If the device is lost.
    pub async fn weights(&self) -> Result<String, Failure> {
        if let Some(known) = &self.identity.weights {
            return Ok(known.clone());
        }
        let mut digest = WeightsDigest::default();
        for Named { name, shape, values, .. } in collect(self.decoder.llama()) {
            digest.add(&name, &shape, &host(values).await?);
        }
        Ok(digest.finish())
    }

    /// How checkpoints name it.
    pub fn identity(&self) -> &Base {
        &self.identity
    }

    /// Where its weights are.
    pub fn device(&self) -> Device {
        self.decoder.device()
    }

    /// How many tokens it reads.
    pub fn context(&self) -> usize {
        self.sizes.block_size
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
        match &self.tokenizer {
            Some(tokenizer) => Decoder::of_subwords(Arc::clone(tokenizer)),
            None => Decoder::new(&self.vocab),
        }
    }

    /// The token that begins a message of a chat, if it has one.
    pub(super) fn turn(&self) -> Option<u32> {
        let Vocab::Subword(subwords) = &self.vocab else { return None };
        let begins = subwords.tokens.iter().position(|token| token == TURN)?;
        Some(begins as u32)
    }

    /// Its sizes.
    pub(super) fn sizes(&self) -> &LlamaSpec {
        &self.sizes
    }
}

/// A file of a decoder, in a form that is read.
enum Source<'a> {
    Checkpoint(Box<Checkpoint<'a>>, LlamaSpec),
    Gguf(Box<GgufDecoder<'a>>),
}

impl<'a> Source<'a> {
    fn open(file: &BaseFile<'a>) -> Result<Self, Failure> {
        if FileKind::of_start(&file.bytes[..file.bytes.len().min(GLANCE)]) == FileKind::Gguf {
            return Ok(Self::Gguf(Box::new(GgufDecoder::read(file.bytes)?)));
        }
        let checkpoint = Checkpoint::read(file.bytes)?;
        checkpoint.expect_size()?;
        match checkpoint.header.config.model.clone() {
            VariantSpec::Llama(sizes) => Ok(Self::Checkpoint(Box::new(checkpoint), sizes)),
            model => Err(no_decoder(file.name, &model)),
        }
    }

    fn described(&self) -> (LlamaSpec, Vocab) {
        match self {
            Self::Checkpoint(checkpoint, sizes) => (sizes.clone(), checkpoint.header.vocab.clone()),
            Self::Gguf(decoder) => (decoder.spec.clone(), decoder.vocab.clone()),
        }
    }

    fn tensor(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), Failure> {
        match self {
            Self::Checkpoint(checkpoint, _) => checkpoint.tensor(name),
            Self::Gguf(decoder) => decoder.tensor(name),
        }
    }

    /// A GGUF file has no other tensors: they are refused when it is opened.
    fn expect_only(&self, names: &[String]) -> Result<(), Failure> {
        match self {
            Self::Checkpoint(checkpoint, _) => checkpoint.expect_only(names),
            Self::Gguf(_) => Ok(()),
        }
    }
}

/// A file that holds another model than a decoder.
fn no_decoder(name: &str, model: &VariantSpec) -> Failure {
    refused(format!(
        "{name} is a `{}` model, but the frozen base is a decoder (trm-native convert --from \
         hf-llama or gguf makes one)",
        model.name()
    ))
}

fn check_sizes(name: &str, sizes: &LlamaSpec, spec: &LlmTrmSpec) -> Result<(), Failure> {
    let fitted = FrozenLlm::fitted(spec, sizes);
    let wanted = [
        ("hidden_size", fitted.base_hidden_size, spec.base_hidden_size),
        ("n_layers", fitted.base_layers, spec.base_layers),
        ("query features", fitted.base_query_size, spec.base_query_size),
        ("key features", fitted.base_kv_size, spec.base_kv_size),
        ("block_size", fitted.base_block_size, spec.base_block_size),
    ];
    match wanted.into_iter().find(|(_, found, wanted)| found != wanted) {
        Some((what, found, wanted)) => {
            Err(refused(format!("{name} has {what} {found}, but this model needs {wanted}")))
        }
        None => Ok(()),
    }
}

/// The tokenizer, and the token that ends an answer: of a vocabulary without named tokens
/// the last one.
fn tokens(vocab: &Vocab, name: &str) -> Result<(Option<Arc<SubwordTokenizer>>, u32), Failure> {
    let Vocab::Subword(subwords) = vocab else {
        return Ok((None, vocab.size().saturating_sub(1) as u32));
    };
    let tokenizer = SubwordTokenizer::new(subwords)
        .map_err(|reason| refused(format!("the tokenizer of {name} cannot be used: {reason}")))?;
    let named = |end: &&str| subwords.tokens.iter().position(|token| token == *end);
    let end = ENDS.iter().find_map(named).ok_or_else(|| {
        refused(format!("{name} has no token that ends an answer ({})", ENDS.join(", ")))
    })?;
    Ok((Some(Arc::new(tokenizer)), end as u32))
}
