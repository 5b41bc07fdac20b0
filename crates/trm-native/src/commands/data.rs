//! `data`: lists texts, tokenizes them into token files and exports them as text;
//! prepares images.

mod images;
mod texts;

use std::fs;
use std::io::{BufWriter, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use trm_data::{
    DataError, Decoder, FileKind, Parts, Progress, SHAKESPEARE, TokenFile, describe, prepare_parts,
    shakespeare, test_file, tokenizer,
};
use trm_spec::{Failure, FailureKind};

use self::texts::{Text, Texts};
use crate::args::{Data, Prepare};
use crate::machine::interrupt::Interrupt;
use crate::run_dir::{self, same_file};
use crate::terminal::count::{counted, thousands};
use crate::terminal::output::{print, print_json};
use crate::terminal::progress::LINE_INTERVAL;
use crate::terminal::report::{say, usage};
use crate::terminal::shell::{program, quoted};

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or written, or is not what it should be.
pub fn run(typed: &Data) -> anyhow::Result<()> {
    match typed {
        Data::List { places, verify, json } => list(places, *verify, *json),
        Data::Prepare(typed) if typed.image_size.is_some() => images::prepare(typed),
        Data::Prepare(typed) => prepare_texts(typed),
        Data::Export { name, file } => export(name, file),
    }
}

#[derive(Serialize)]
struct Listed {
    texts: Vec<BuiltIn>,
    files: Vec<Entry>,
}

/// A built-in text.
#[derive(Serialize)]
struct BuiltIn {
    name: &'static str,
    characters: usize,
}

/// A token file, a file of images, or the reason why it cannot be used.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry {
    Usable(TokenFileInfo),
    Images(images::Written),
    Unusable { path: String, error: String, hint: String },
}

#[derive(Serialize)]
struct TokenFileInfo {
    path: String,
    name: String,
    tokenizer: Option<trm_spec::Tokenizer>,
    vocab_size: usize,
    tokens: usize,
    /// Number of validation tokens, if the file has a validation split.
    val_tokens: Option<usize>,
    bytes: usize,
    sha256: String,
}

/// The files that `prepare` wrote.
#[derive(Serialize)]
struct Written {
    #[serde(flatten)]
    file: TokenFileInfo,
    /// The test split, if the corpus has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<TokenFileInfo>,
}

impl TokenFileInfo {
    fn of(file: &TokenFile) -> Self {
        Self {
            path: file.path().display().to_string(),
            name: file.name().into(),
            tokenizer: tokenizer(file.vocab()),
            vocab_size: file.vocab().size(),
            tokens: file.len(),
            val_tokens: file.val_tokens(),
            bytes: file.file_size(),
            sha256: file.sha256().into(),
        }
    }

    /// `1,000 tokens (100 for validation)`, for people to read.
    fn counted(&self) -> String {
        let tokens = counted(self.tokens, "tokens");
        match self.val_tokens {
            None => tokens,
            Some(val) if val == self.tokens => format!("{tokens} (all for evaluation)"),
            Some(val) => format!("{tokens} ({} for validation)", thousands(val as u64)),
        }
    }
}

fn list(places: &[PathBuf], verify: bool, as_json: bool) -> anyhow::Result<()> {
    let text = shakespeare();
    let texts = vec![BuiltIn { name: SHAKESPEARE, characters: text.chars().count() }];
    let mut files = Vec::new();
    let mut failed = false;
    for path in prepared_files(places)? {
        files.push(match listed(&path, verify) {
            Ok((entry, line)) => {
                if !as_json {
                    print(&format!("{line}{}", if verify { ", checksum correct" } else { "" }))?;
                }
                entry
            }
            Err(Failure { message, hint, .. }) => {
                failed = true;
                say!("error: {message}\nhint: {hint}");
                Entry::Unusable { path: path.display().to_string(), error: message, hint }
            }
        });
    }
    if as_json {
        print_json(&Listed { texts, files })?;
    } else {
        for text in &texts {
            let size = thousands(text.characters as u64);
            print(&format!("{}: built in, {size} characters", text.name))?;
        }
    }
    anyhow::ensure!(!failed, "some files cannot be used");
    Ok(())
}

/// A file that `prepare` wrote, and the line that tells of it.
fn listed(path: &Path, verify: bool) -> Result<(Entry, String), Failure> {
    refuse_other_kind(path)?;
    if names_format(path, IMAGES) && !names_format(path, TOKENS) {
        let info = images::Written::read(path, verify)?;
        let line = format!("{}: {}, {}", info.path, info.name, info.counted());
        return Ok((Entry::Images(info), line));
    }
    let file = TokenFile::open(path)?;
    if verify {
        file.verify()?;
    }
    let (info, vocab) = (TokenFileInfo::of(&file), describe(file.vocab()));
    let line = format!("{}: {}, {}, {vocab}", info.path, info.name, info.counted());
    Ok((Entry::Usable(info), line))
}

/// Refuses a file that is of another kind than those that `prepare` writes, by what it is. Of
/// safetensors and of what is of no known kind, whoever opens it says what is wrong.
fn refuse_other_kind(path: &Path) -> Result<(), Failure> {
    match trm_data::file_kind(path)? {
        FileKind::Safetensors | FileKind::Binary | FileKind::OtherEncoding => Ok(()),
        kind => {
            let (path, what) = (path.display(), kind.what());
            let message = format!("{path} is {what}, not a file that `data prepare` wrote");
            Err(Failure::new(FailureKind::Data, message, kind.next_step()))
        }
    }
}

/// The named files, and in the named folders those that `prepare` wrote.
fn prepared_files(places: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let here = [PathBuf::from(".")];
    let places = if places.is_empty() { &here[..] } else { places };
    let mut files = Vec::new();
    for place in places {
        if !place.is_dir() {
            files.push(place.clone());
            continue;
        }
        let unreadable = || format!("cannot read {}", place.display());
        let mut inside = Vec::new();
        for entry in fs::read_dir(place).with_context(unreadable)? {
            let path = entry.with_context(unreadable)?.path();
            if path.extension().is_some_and(|e| e == "safetensors") && claims_to_be_prepared(&path)
            {
                inside.push(path.strip_prefix(".").map(Path::to_owned).unwrap_or(path));
            }
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// How the names of the formats of `prepare` begin.
const TOKENS: &[u8] = b"trm-tokens/";
const IMAGES: &[u8] = b"trm-images/";

/// Whether a file's header names a format of `prepare`, even if the file is damaged.
/// A folder may contain checkpoints too, which have the same ending.
fn claims_to_be_prepared(path: &Path) -> bool {
    names_format(path, TOKENS) || names_format(path, IMAGES)
}

fn names_format(path: &Path, format: &[u8]) -> bool {
    use std::io::Read;
    // A pipe may wait, and loses what is read.
    if !path.is_file() {
        return false;
    }
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(1 << 16).read_to_end(&mut start));
    read.is_ok() && start.windows(format.len()).any(|bytes| bytes == format)
}

fn prepare_texts(typed: &Prepare) -> anyhow::Result<()> {
    let out = run_dir::target(&typed.out)?;
    let texts = Texts::find(&typed.texts)?;
    let tested = (!texts.test.is_empty()).then(|| test_file(&out));
    if let Some(test) = &tested
        && run_dir::target(test)? != *test
    {
        return Err(usage!("{} is a link; remove it, or choose another --out", test.display()));
    }
    for out in [Some(&out), tested.as_ref()].into_iter().flatten() {
        if let Some(Text::File(path)) = texts.all().find(|text| text.is(out)) {
            return Err(usage!(
                "--out: {} is one of the input texts; choose another name",
                path.display()
            ));
        }
    }
    let [train, val, test] = [&texts.train, &texts.val, &texts.test].map(|part| {
        part.iter().map(|text| text.document(&typed.field, typed.as_text)).collect::<Vec<_>>()
    });
    let parts = Parts { train: &train, val: &val, test: &test };
    let name = typed.name.clone().unwrap_or_else(|| default_name(&typed.texts));
    let interrupt = Interrupt::listen()?;
    let mut bar = PrepareProgress::new();
    prepare_parts(&parts, typed.tokenizer, &name, &out, &mut |progress| {
        bar.show(progress);
        if interrupt.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    bar.end();
    let file = TokenFile::open(&out)?;
    let test = tested.as_deref().map(TokenFile::open).transpose()?;
    let written =
        Written { file: TokenFileInfo::of(&file), test: test.as_ref().map(TokenFileInfo::of) };
    if typed.json {
        return print_json(&written);
    }
    let count = texts.all().count();
    print(&format!(
        "{}: {}, {}, {}",
        typed.out.display(),
        counted(count, "texts"),
        written.file.counted(),
        describe(file.vocab())
    ))?;
    if let Some(test) = &written.test {
        print(&format!("{}: {}", test.path, test.counted()))?;
    }
    print(&format!("train with: {} train --data {}", program(), quoted(&typed.out)))
}

fn default_name(paths: &[PathBuf]) -> String {
    let first = paths.first().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
    let name = first.as_deref().and_then(Path::file_name);
    name.map_or_else(|| "text".into(), |name| name.to_string_lossy().into_owned())
}

/// Progress on standard error: a bar on a terminal, a line every ten seconds elsewhere.
struct PrepareProgress {
    bar: Option<ProgressBar>,
    last: Instant,
}

impl PrepareProgress {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:24} {bytes}/{total_bytes} {eta} left");
            ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, last: Instant::now() }
    }

    fn show(&mut self, Progress { done, total }: Progress) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
        } else if self.last.elapsed() > LINE_INTERVAL {
            self.last = Instant::now();
            let [done, total] = [done, total].map(|bytes| thousands(bytes >> 20));
            say!("{done} of {total} MiB");
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn export(name: &str, file: &Path) -> anyhow::Result<()> {
    let path = Path::new(name);
    let file = &run_dir::target(file)?;
    if name == SHAKESPEARE && !path.exists() {
        run_dir::write_named(file, shakespeare().as_bytes())?;
    } else if path.exists() {
        if same_file(path, file) {
            return Err(usage!("{name} would be replaced by its own text; choose another name"));
        }
        refuse_other_kind(path)?;
        decoded(&TokenFile::open(path)?, file)?;
    } else {
        return Err(usage!(
            "there is no text `{name}`; give `{SHAKESPEARE}` or the path of a token file"
        ));
    }
    print(&file.display().to_string())
}

/// Decodes a token file into a text file, piece by piece.
fn decoded(tokens: &TokenFile, file: &Path) -> anyhow::Result<()> {
    const PIECE: usize = 1 << 20;
    let cannot = |source| DataError::Unwritable { path: file.display().to_string(), source };
    run_dir::create_folder_of(file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let staged = trm_data::unfinished_in(folder.unwrap_or(Path::new("."))).map_err(cannot)?;
    let mut out = BufWriter::new(staged);
    let (mut decoder, mut read) = (Decoder::new(tokens.vocab()), Vec::new());
    for start in (0..tokens.len()).step_by(PIECE) {
        read.clear();
        tokens.read(start..(start + PIECE).min(tokens.len()), &mut read);
        out.write_all(decoder.push(&read).as_bytes()).map_err(cannot)?;
    }
    out.write_all(decoder.finish().as_bytes()).map_err(cannot)?;
    let staged = out.into_inner().map_err(|error| cannot(error.into_error()))?;
    trm_data::sync_file(staged.as_file()).map_err(cannot)?;
    staged.persist(file).map_err(|error| cannot(error.error))?;
    Ok(())
}
