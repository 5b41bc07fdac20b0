//! Which file of the user's a run is trained on, where its settings do not say it: those name
//! a text or questions with their digest, but of puzzles and images only the kind.

use std::collections::HashSet;
use std::fs::{self, DirEntry, File};
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trm_data::{DataError, OpenedSource, hex};
use trm_spec::{Failure, Family, RunConfig};

use crate::run_dir;
use crate::terminal::report::{say, usage};

/// Its place in a run's folder.
pub const FILE: &str = "data.json";

/// The data that were given with `--data`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnData {
    /// Name of the file or folder.
    name: String,
    /// SHA-256 of the file in hexadecimal; of a folder none.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Of a folder the digest of the paths and sizes of its files; older versions wrote none.
    #[serde(skip_serializing_if = "Option::is_none")]
    listing: Option<String>,
}

/// What the folders of runs and of sweeps hold. They may lie in the folder of the data.
const WRITTEN: [&str; 2] = ["metrics.jsonl", "sweep.json"];

impl OwnData {
    /// The data of a new run; `None` where its settings name them.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of(source: &OpenedSource, config: &RunConfig) -> anyhow::Result<Option<Self>> {
        let named = matches!(config.model.family(), Family::Language | Family::Questions);
        let Some(path) = source.path().filter(|_| !named) else { return Ok(None) };
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let found = if path.is_file() {
            digest(path).map(|sha256| (Some(sha256), None))
        } else if path.is_dir() {
            listing(path).map(|listing| (None, Some(listing)))
        } else {
            Ok((None, None))
        };
        let (sha256, listing) = found.map_err(|error| {
            Failure::from(DataError::Unreadable {
                path: path.display().to_string(),
                reason: error.to_string(),
            })
        })?;
        Ok(Some(Self { name, sha256, listing }))
    }

    /// Those that the run in `folder` is trained on, as far as it is known.
    ///
    /// # Errors
    /// If the file that says it cannot be read.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let read = serde_json::from_slice(&run_dir::read(&path)?);
        read.map(Some).map_err(|error| usage!("{} cannot be read: {error}", path.display()))
    }

    /// Writes it to the folder of a run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        run_dir::write(&folder.join(FILE), &serde_json::to_vec_pretty(self)?)
    }

    /// Removes what an earlier run has left in the folder of one whose settings name its data.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn remove(folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(FILE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Whether `bytes` are such a file, with no other entries.
    pub fn is_written_in(bytes: &[u8]) -> bool {
        let own: Option<Self> = serde_json::from_slice(bytes).ok();
        let written = own.and_then(|own| serde_json::to_value(own).ok());
        written.is_some() && written == serde_json::from_slice(bytes).ok()
    }

    /// Refuses to go on with other data, `given`. Of a folder it only says that there are other
    /// files: they may be none of the data.
    ///
    /// # Errors
    /// If there are none, or the file is another one.
    pub fn expect(&self, given: Option<&Self>) -> anyhow::Result<()> {
        match given {
            None => Err(usage!("this run is trained on {}; give it again with --data", self.name)),
            Some(given) if self.sha256.is_some() && given.sha256 != self.sha256 => Err(usage!(
                "{} is not the file that this run is trained on, {}: its content is another one",
                given.name,
                self.name
            )),
            Some(given) => {
                if self.has_other_files(given) {
                    say!(
                        "{} has other files than when this run began: what is held out now may contain what it was trained on",
                        given.name
                    );
                }
                Ok(())
            }
        }
    }

    /// Whether `given` is a folder too, with other files.
    fn has_other_files(&self, given: &Self) -> bool {
        matches!((&self.listing, &given.listing), (Some(own), Some(given)) if own != given)
    }

    /// Whether two runs are trained on the same, as far as it is known.
    pub fn is_same(one: Option<&Self>, other: Option<&Self>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => one.sha256 == other.sha256 && !one.has_other_files(other),
            _ => one.is_none() && other.is_none(),
        }
    }

    /// Name of the file or folder.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A resumed run that is given `name`, but was trained on `generated`, data of the program.
pub fn not_its_own(name: &str, generated: &str) -> anyhow::Error {
    usage!(
        "this run is trained on {generated}, which comes with the program, and not on {name}; a resumed run keeps its data. \
         To train its weights on other data, start a new run with --init"
    )
}

/// Says where other puzzles or images are evaluated than those that the run of `checkpoint`, a
/// file or a run's folder, was trained on, as far as it is known. Returns whether they are
/// those: of a file they are not if the checkpoint has none beside it that names it.
///
/// # Errors
/// If a file cannot be read.
pub fn say_other(
    data: &OpenedSource,
    config: &RunConfig,
    checkpoint: &Path,
) -> anyhow::Result<bool> {
    let folder = if checkpoint.is_dir() { Some(checkpoint) } else { checkpoint.parent() };
    let Some(own) = folder.map(OwnData::read).transpose()?.flatten() else {
        return Ok(data.path().is_none());
    };
    match OwnData::of(data, config)? {
        None => say!(
            "the run was trained on {}, but {} is scored: give --data for its held-out part",
            own.name,
            data.title()
        ),
        Some(given) if own.sha256.is_some() && given.sha256 != own.sha256 => say!(
            "the run was trained on {}, but {} is scored: its held-out part may contain what the run was trained on",
            own.name,
            given.name
        ),
        Some(given) if own.has_other_files(&given) => say!(
            "{} has other files than when the run was trained: its held-out part may contain what the run was trained on",
            given.name
        ),
        Some(_) => return Ok(true),
    }
    Ok(false)
}

/// SHA-256 of the paths and sizes of all files in `folder`, of those inside it too. Hidden
/// ones are none of the data, and neither are runs.
fn listing(folder: &Path) -> io::Result<String> {
    let (mut files, mut seen) = (Vec::new(), HashSet::new());
    let mut waiting = vec![(folder.to_owned(), String::new())];
    while let Some((folder, place)) = waiting.pop() {
        let is_run = || WRITTEN.iter().any(|name| folder.join(name).is_file());
        // Links that lead back would never end.
        if (!place.is_empty() && is_run()) || !seen.insert(folder.canonicalize()?) {
            continue;
        }
        let mut entries: Vec<DirEntry> = fs::read_dir(&folder)?.collect::<io::Result<_>>()?;
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            // Links to nothing are no files.
            let Ok(about) = fs::metadata(entry.path()) else { continue };
            if name.starts_with('.') {
                continue;
            }
            let inside = format!("{place}{name}");
            if about.is_dir() {
                waiting.push((entry.path(), inside + "/"));
            } else {
                files.push((inside, about.len()));
            }
        }
    }
    files.sort();
    let mut digest = Sha256::new();
    for (place, bytes) in files {
        digest.update(format!("{place}\0{bytes}\n"));
    }
    Ok(hex(digest))
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut digest) = (File::open(path)?, Sha256::new());
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => digest.update(&piece[..read]),
        }
    }
    Ok(hex(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_changes_with_names_and_sizes_only() {
        let place = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        let now = || listing(place.path()).expect("read");
        write("train/cat/1.png", "one");
        write("train/dog/2.png", "two");
        let before = now();
        // Neither content, nor what is hidden, nor a run in the folder.
        write("train/cat/1.png", "eno");
        write("train/.thumbs/1.png", "small");
        write("runs/arc/metrics.jsonl", "");
        write("runs/arc/config.toml", "");
        assert_eq!(now(), before);
        write("train/dog/2.png", "longer");
        assert_ne!(now(), before);
        write("train/dog/2.png", "two");
        assert_eq!(now(), before);
        write("train/dog/3.png", "three");
        assert_ne!(now(), before);
        fs::remove_file(place.path().join("train/dog/3.png")).expect("removed");
        fs::rename(place.path().join("train/dog/2.png"), place.path().join("train/dog/4.png"))
            .expect("moved");
        assert_ne!(now(), before);
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_back_end() {
        let place = tempfile::tempdir().expect("a folder");
        fs::write(place.path().join("a.json"), "{}").expect("written");
        for name in ["up", "round"] {
            std::os::unix::fs::symlink(place.path(), place.path().join(name)).expect("a link");
        }
        std::os::unix::fs::symlink("nowhere", place.path().join("lost")).expect("a link");
        listing(place.path()).expect("read");
    }

    fn photos(listing: Option<&str>) -> OwnData {
        OwnData { name: "photos".into(), sha256: None, listing: listing.map(str::to_owned) }
    }

    #[test]
    fn only_whole_entries_of_its_own_are_its_file() {
        for own in [photos(None), photos(Some("1f"))] {
            let written = serde_json::to_vec_pretty(&own).expect("JSON");
            assert!(OwnData::is_written_in(&written));
            assert_eq!(serde_json::from_slice::<OwnData>(&written).expect("read"), own);
        }
        for other in ["[]", "{}", "{\"name\": \"a\", \"version\": 1}", "{\"name\": \"a\"", "a"] {
            assert!(!OwnData::is_written_in(other.as_bytes()), "{other}");
        }
    }

    /// As far as both are known.
    #[test]
    fn folders_are_the_same_by_their_listings() {
        let (one, other, older) = (photos(Some("1f")), photos(Some("2f")), photos(None));
        assert!(OwnData::is_same(Some(&one), Some(&one)));
        assert!(!OwnData::is_same(Some(&one), Some(&other)));
        assert!(OwnData::is_same(Some(&older), Some(&one)));
        assert!(!OwnData::is_same(None, Some(&one)) && OwnData::is_same(None, None));
        one.expect(Some(&other)).expect("said, not refused");
    }
}
