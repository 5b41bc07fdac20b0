//! What all files that are written here share: they get their names when they are
//! whole, and say in the same words why they cannot be read.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read};
use std::path::Path;

use safetensors::SafeTensorError;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::file_kind::GLANCE;

/// Refuses a device: `/dev/zero` and others never end.
///
/// # Errors
/// If `path` is one, or cannot be looked at.
pub fn refuse_device(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = fs::metadata(path)?.file_type();
        if kind.is_char_device() || kind.is_block_device() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "it is a device, not a file"));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Refuses what cannot be read a second time: after a look at the beginning of a pipe that
/// part would be missing.
fn refuse_pipe(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = fs::metadata(path)?.file_type();
        if kind.is_fifo() || kind.is_socket() {
            let reason = "it is a pipe, and this is read more than once: save it as a file first";
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// The bytes at the beginning of a file that tell what it is. The file is read again.
pub(crate) fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
    refuse_device(path)?;
    refuse_pipe(path)?;
    let mut start = Vec::new();
    File::open(path)?.take(GLANCE as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// A file beside `path` that disappears unless it is given a name.
pub(crate) fn unnamed(path: &Path) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    unfinished_in(folder)
}

/// What the name of a file begins with until it is whole.
pub const UNFINISHED: &str = ".unfinished-";

/// An empty file in `folder` that disappears unless it is given a name.
///
/// # Errors
/// If it cannot be made there.
pub fn unfinished_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    {
        // As any other new file: readable to whom the user's mask allows it.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Gives a written file the name `path`, replacing an older one.
pub(crate) fn persist(file: BufWriter<NamedTempFile>, path: &Path) -> io::Result<()> {
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    sync_file(file.as_file())?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder_of(path))
}

/// Writes a file through to the disk, where the file system can: shares over SMB cannot on macOS.
///
/// # Errors
/// If it fails for another reason.
pub fn sync_file(file: &File) -> io::Result<()> {
    file.sync_all().or_else(|error| if is_unsupported(&error) { Ok(()) } else { Err(error) })
}

/// Makes renames in a folder durable, where the system and the file system can: CIFS, 9p and
/// shared folders of VirtualBox cannot.
///
/// # Errors
/// If it fails for another reason.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let synced = File::open(folder)?.sync_all();
    synced.or_else(|error| if is_unsupported_of_folder(&error) { Ok(()) } else { Err(error) })
}

/// Numbers of `ENOTSUP` and `EOPNOTSUPP`, which not every standard library has a kind for.
const UNSUPPORTED: [i32; 2] = if cfg!(target_vendor = "apple") { [45, 102] } else { [95, 95] };

/// Number of `EBADF`.
const BAD_FILE: i32 = 9;

/// Whether a file system says that it cannot write a file through.
fn is_unsupported(error: &io::Error) -> bool {
    let number = error.raw_os_error().filter(|_| cfg!(unix));
    error.kind() == io::ErrorKind::Unsupported
        || number.is_some_and(|number| UNSUPPORTED.contains(&number))
}

/// The same of a folder, of which some say that it cannot be written to or that the request is
/// not valid.
fn is_unsupported_of_folder(error: &io::Error) -> bool {
    is_unsupported(error)
        || error.kind() == io::ErrorKind::InvalidInput
        || error.raw_os_error() == Some(BAD_FILE)
}

/// A digest in hexadecimal.
pub fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What is wrong with the header of a safetensors file.
pub(crate) fn explained(error: &SafeTensorError) -> String {
    match error {
        SafeTensorError::MetadataIncompleteBuffer => {
            "it is shorter or longer than its header says".into()
        }
        SafeTensorError::HeaderTooSmall | SafeTensorError::InvalidHeaderLength => {
            "it ends inside its header".into()
        }
        other => format!("its header cannot be read ({other})"),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// What else fails would lose what was written: a full disk, a failing one.
    #[test]
    fn only_what_a_file_system_cannot_do_is_passed_over() {
        let numbered = io::Error::from_raw_os_error;
        for error in
            UNSUPPORTED.map(numbered).into_iter().chain([io::ErrorKind::Unsupported.into()])
        {
            assert!(is_unsupported(&error) && is_unsupported_of_folder(&error), "{error}");
        }
        // EBADF and EINVAL.
        for error in [9, 22].map(numbered) {
            assert!(!is_unsupported(&error) && is_unsupported_of_folder(&error), "{error}");
        }
        // EIO, EACCES and ENOSPC.
        for error in [5, 13, 28].map(numbered) {
            assert!(!is_unsupported(&error) && !is_unsupported_of_folder(&error), "{error}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        sync_folder(folder.path()).expect("synced");
        assert!(sync_folder(&folder.path().join("missing")).is_err());
    }
}
