//! The text of a run: what the program carries, the user's own file, or a token
//! file that `data prepare` made. A run keeps the digest of the user's own, so
//! that it goes on with the same.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use sha2::{Digest, Sha256};
use trm_data::{TextDataset, SHAKESPEARE_SHA256, TEXT_FIELD, TokenFile, read_texts};
use trm_spec::{DataSpec, RunConfig, Tokenizer, Vocab};
use trm_train::{Material, Run, checkpoint};

use crate::puzzles::Source;
use crate::report::usage;

/// The dataset that the binary carries.
pub const SHAKESPEARE: &str = "shakespeare";

/// Between a dataset's name and its digest, where a run keeps both.
const PIN: char = '@';

/// Digits of a digest that are kept.
const PINNED: usize = 12;

/// A text to train on or to be judged by.
pub struct Text {
    pub name: String,
    content: Content,
    /// SHA-256 of the texts, or of the tokens.
    sha256: String,
}

enum Content {
    /// One, or those of JSON lines.
    Texts(Vec<Cow<'static, str>>),
    Tokens(Arc<TokenFile>),
    /// Puzzles, made or the user's own.
    Puzzles(Source),
}

impl Text {
    /// The user's file, or the text that the configuration names.
    pub fn choose(dataset: &str, file: Option<&Path>) -> anyhow::Result<Self> {
        let (dataset, _) = parts(dataset);
        if let Some(source) = Source::choose(dataset, file)? {
            let (content, sha256) = (Content::Puzzles(source), String::new());
            return Ok(Self { name: dataset.into(), content, sha256 });
        }
        let Some(path) = file else {
            if dataset != SHAKESPEARE {
                return Err(usage!(
                    "the text `{dataset}` does not come with the program; give it with --data FILE"
                ));
            }
            return Ok(Self {
                name: dataset.into(),
                content: Content::Texts(vec![trm_data::shakespeare().into()]),
                sha256: SHAKESPEARE_SHA256.into(),
            });
        };
        let (content, sha256) = read(path)?;
        Ok(Self { name: dataset.into(), content, sha256 })
    }

    /// A text that is scored whole: the user's file, under the name that a token
    /// file has for itself.
    pub fn choose_test(path: &Path) -> anyhow::Result<Self> {
        let (content, sha256) = read(path)?;
        let name = match &content {
            Content::Tokens(file) => file.name().into(),
            _ => file_name(path),
        };
        Ok(Self { name, content, sha256 })
    }

    /// What results call it: the name that a token file has for itself, or the text's.
    pub fn title(&self) -> &str {
        match &self.content {
            Content::Tokens(file) => file.name(),
            _ => &self.name,
        }
    }

    /// Writes down in the settings of a new run what was chosen: the file's name
    /// and digest, and the tokeniser that a token file went through. `typed` says
    /// whether the tokeniser was asked for.
    pub fn settle(
        &mut self,
        config: &mut RunConfig,
        file: Option<&Path>,
        typed: bool,
    ) -> anyhow::Result<()> {
        let data = &mut config.data;
        if let Content::Tokens(file) = &self.content
            && file.is_test()
        {
            return Err(usage!(
                "--data: {} is a text to be scored and has no training part; train on the file that was prepared with it",
                file.path().display()
            ));
        }
        if let Content::Tokens(file) = &self.content
            && let Some(tokenizer) = tokenizer(file.vocab())
        {
            if typed && data.tokenizer != tokenizer {
                return Err(usage!(
                    "--tokenizer: {} holds {}; leave the flag out, or prepare the text again",
                    file.path().display(),
                    trm_data::describe(file.vocab())
                ));
            }
            data.tokenizer = tokenizer;
        }
        if let (Some(path), false) = (file, matches!(self.content, Content::Puzzles(_))) {
            let (name, pinned) = parts(&data.dataset);
            if name == SHAKESPEARE || pinned.is_some() {
                self.name = file_name(path);
            }
            data.dataset = format!("{}{PIN}{}", self.name, &self.sha256[..PINNED]);
        }
        Ok(())
    }

    /// Refuses to go on with another text than the one a run was started on.
    pub fn same_as(&self, dataset: &str) -> anyhow::Result<()> {
        match parts(dataset) {
            (name, Some(pinned)) if !self.sha256.starts_with(pinned) => Err(usage!(
                "this is not the text that the run was trained on: {name} had the digest {pinned}…, \
                 this one has {}…; give that text, or start a new run from the weights with --init",
                &self.sha256[..PINNED]
            )),
            _ => Ok(()),
        }
    }

    /// The text as a corpus of `config`, with the vocabulary of a checkpoint where there is one.
    pub fn corpus(&self, config: &RunConfig, vocab: Option<&Vocab>) -> anyhow::Result<TextDataset> {
        let spec = DataSpec { dataset: self.name.clone(), ..config.data.clone() };
        Ok(match &self.content {
            Content::Texts(texts) => TextDataset::from_texts(&spec, texts, vocab)?,
            Content::Tokens(file) => TextDataset::from_file(&spec, file.clone(), vocab)?,
            Content::Puzzles(_) => return Err(self.no_text()),
        })
    }

    /// The whole text, to be scored by a model of `vocab`.
    pub fn test_corpus(&self, vocab: &Vocab) -> anyhow::Result<TextDataset> {
        Ok(match &self.content {
            Content::Texts(texts) => TextDataset::for_test(&self.name, texts, vocab)?,
            Content::Tokens(file) => TextDataset::for_test_file(file.clone(), vocab)?,
            Content::Puzzles(_) => return Err(self.no_text()),
        })
    }

    fn no_text(&self) -> anyhow::Error {
        usage!("`{}` are puzzles, which a language model cannot read", self.name)
    }

    /// What a run of `config` learns from.
    pub fn material(&self, config: &RunConfig, vocab: Option<&Vocab>) -> anyhow::Result<Material> {
        match &self.content {
            Content::Puzzles(source) => Ok(source.load(config)?.into()),
            _ => Ok(self.corpus(config, vocab)?.into()),
        }
    }

    /// A saved run, to be trained further on this text or judged by it.
    pub fn load(
        &self,
        checkpoint: &[u8],
        optimizer: Option<&[u8]>,
        device: &Device,
    ) -> anyhow::Result<Box<dyn Run>> {
        let header = checkpoint::read_header(checkpoint)?;
        let material = self.material(&header.config, Some(&header.vocab))?;
        Ok(trm_train::load_with(checkpoint, optimizer, Some(material), device)?)
    }
}

/// A token file, JSON lines or a text, with its digest.
fn read(path: &Path) -> anyhow::Result<(Content, String)> {
    if TokenFile::recognise(path)? {
        let file = Arc::new(TokenFile::open(path)?);
        let sha256 = file.sha256().to_owned();
        return Ok((Content::Tokens(file), sha256));
    }
    let texts = read_texts(path, TEXT_FIELD)?;
    let sha256 = hex(&texts);
    Ok((Content::Texts(texts.into_iter().map(Cow::from).collect()), sha256))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Name and pinned digest of a dataset.
fn parts(dataset: &str) -> (&str, Option<&str>) {
    match dataset.rsplit_once(PIN) {
        Some((name, pin)) if pin.len() == PINNED && pin.bytes().all(|b| b.is_ascii_hexdigit()) => {
            (name, Some(pin))
        }
        _ => (dataset, None),
    }
}

/// The tokeniser that makes tokens of `vocab`.
pub fn tokenizer(vocab: &Vocab) -> Option<Tokenizer> {
    match vocab {
        Vocab::Char { .. } => Some(Tokenizer::Char),
        Vocab::Byte => Some(Tokenizer::Byte),
        Vocab::Bpe { .. } => Some(Tokenizer::Gpt2),
        Vocab::Plain { .. } | Vocab::Arc { .. } => None,
    }
}

/// The digest of `texts`, of a single one that of its file.
fn hex(texts: &[String]) -> String {
    let mut digest = Sha256::new();
    for (number, text) in texts.iter().enumerate() {
        if number > 0 {
            // No text has this byte in it.
            digest.update([0xff]);
        }
        digest.update(text);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{hex, parts};

    #[test]
    fn where_texts_end_belongs_to_their_digest() {
        let of = |texts: &[&str]| hex(&texts.iter().map(|text| (*text).into()).collect::<Vec<_>>());
        let one = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of(&["abc"]), one);
        assert_ne!(of(&["a", "bc"]), of(&["ab", "c"]));
        assert_ne!(of(&["a", "bc"]), one);
    }

    #[test]
    fn digests_are_told_from_names() {
        assert_eq!(parts("poem.txt@0123456789ab"), ("poem.txt", Some("0123456789ab")));
        for name in ["poem.txt", "me@home", "a@0123456789ax", "@", ""] {
            assert_eq!(parts(name), (name, None));
        }
    }
}
