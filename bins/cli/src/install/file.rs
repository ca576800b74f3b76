//! Changes one file as a whole or not at all. Owns that nothing of somebody else is lost; knows no format.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use super::InstallError;

/// The longest file that is read, in bytes.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Whether it was not there before.
    pub(super) is_new: bool,
}

/// Replaces a file's text by what `edit` makes of it; a file that is not there is an empty text. `None`: it is so already.
///
/// The new text is written beside it and takes its place in one step, under the rights the old one had. A symbolic link
/// stays one. A file that somebody wrote meanwhile is left as it is.
///
/// # Errors
/// [`InstallError`]; the file is as it was.
pub(super) fn change(
    path: &Path,
    edit: impl FnOnce(&str) -> Result<String, String>,
) -> Result<Option<Change>, InstallError> {
    let unreadable = |reason: String| InstallError::Unreadable { path: path.to_owned(), reason };
    let before = read(path).map_err(|error| unreadable(error.to_string()))?;
    let after = edit(before.as_deref().unwrap_or_default()).map_err(unreadable)?;
    if before.as_ref() == Some(&after) {
        return Ok(None);
    }
    let unwritable = |source| InstallError::Unwritable { path: path.to_owned(), source };
    let target = target(path).map_err(unwritable)?;
    let beside = write_beside(&target, after.as_bytes()).map_err(unwritable)?;
    let placed = if read(path).ok() == Some(before.clone()) {
        fs::rename(&beside, &target).map_err(unwritable)
    } else {
        Err(InstallError::Changed(path.to_owned()))
    };
    if placed.is_err() {
        let _left = fs::remove_file(&beside);
    }
    placed.map(|()| Some(Change { is_new: before.is_none() }))
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is longer than {BYTES_MAX} bytes")));
    }
    Ok(Some(text))
}

/// The file itself, whatever links lead to it. Its folder is made if it is not there.
fn target(path: &Path) -> io::Result<PathBuf> {
    if let Ok(real) = fs::canonicalize(path) {
        return Ok(real);
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    Ok(path.to_owned())
}

fn write_beside(target: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let beside = target.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
        // Before there is anything to read in it.
        if let Ok(before) = fs::metadata(target) {
            file.set_permissions(before.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()
    })();
    match written {
        Ok(()) => Ok(beside),
        Err(error) => {
            let _left = fs::remove_file(&beside);
            Err(error)
        }
    }
}
