//! Files of a report in a folder. Owns that nothing is overwritten: another report of that name gets a number.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// How many reports of one name a folder may hold.
const NUMBER_MAX: u32 = 1000;

/// A file below the out folder.
#[derive(Clone, Debug)]
pub(crate) struct ReportFile {
    /// What follows the report's stem: `.md`, `.json`, `.evidence/<sha256>`.
    pub(crate) suffix: String,
    pub(crate) bytes: Vec<u8>,
}

/// The out folder cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to {}: {source}", .path.display())]
pub(crate) struct Unwritable {
    path: PathBuf,
    source: io::Error,
}

/// Makes sure that files can be made in a folder, before any work is started. Makes the folder if it is not there.
pub(crate) fn prepare(folder: &Path) -> Result<(), Unwritable> {
    let unwritable = |source| Unwritable { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(unwritable)?;
    let probe = folder.join(format!(".mcp-orchestrator-{}", std::process::id()));
    fs::write(&probe, b"").map_err(unwritable)?;
    fs::remove_file(&probe).map_err(unwritable)
}

/// Writes the files of one report under one stem: `stem`, or `stem-2`, `stem-3` … when another report has it. Files
/// that are there already with the same bytes are left as they are. Returns the paths in the order given.
pub(crate) fn write(folder: &Path, stem: &str, files: &[ReportFile]) -> Result<Vec<PathBuf>, Unwritable> {
    for number in 1..=NUMBER_MAX {
        let stem = if number == 1 { stem.to_owned() } else { format!("{stem}-{number}") };
        let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(format!("{stem}{}", file.suffix))).collect();
        if is_written(&paths, files) {
            return Ok(paths);
        }
        // A part of a report without the rest is another report's: its stem is not free.
        if paths.iter().any(|path| path.exists()) {
            continue;
        }
        match write_new(&paths, files) {
            Ok(()) => return Ok(paths),
            Err(unwritable) if unwritable.source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(unwritable) => return Err(unwritable),
        }
    }
    let source = io::Error::new(io::ErrorKind::AlreadyExists, format!("it holds {NUMBER_MAX} reports named {stem}"));
    Err(Unwritable { path: folder.to_owned(), source })
}

fn is_written(paths: &[PathBuf], files: &[ReportFile]) -> bool {
    paths.iter().zip(files).all(|(path, file)| fs::read(path).is_ok_and(|bytes| bytes == file.bytes))
}

/// Writes files none of which may exist; when one appears meanwhile, those already written are removed again.
fn write_new(paths: &[PathBuf], files: &[ReportFile]) -> Result<(), Unwritable> {
    for (position, (path, file)) in paths.iter().zip(files).enumerate() {
        if let Err(source) = write_one(path, &file.bytes) {
            for written in &paths[..position] {
                let _left = fs::remove_file(written);
            }
            return Err(Unwritable { path: path.clone(), source });
        }
    }
    Ok(())
}

fn write_one(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::{ReportFile, prepare, write};

    fn files(text: &str) -> Vec<ReportFile> {
        vec![
            ReportFile { suffix: ".md".to_owned(), bytes: text.as_bytes().to_vec() },
            ReportFile { suffix: ".evidence/ab".to_owned(), bytes: b"quote".to_vec() },
        ]
    }

    #[test]
    fn another_report_of_the_same_name_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let first = write(folder.path(), "title", &files("one")).unwrap();
        let second = write(folder.path(), "title", &files("two")).unwrap();
        let again = write(folder.path(), "title", &files("one")).unwrap();
        assert_eq!(first[0], folder.path().join("title.md"));
        assert_eq!(second[1], folder.path().join("title-2.evidence/ab"));
        assert_eq!(again, first);
        assert_eq!(std::fs::read(&first[0]).unwrap(), b"one");
    }

    #[test]
    fn a_folder_below_a_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(prepare(&file.join("reports")).unwrap_err().to_string().contains("file/reports"));
        prepare(&folder.path().join("new/reports")).unwrap();
    }
}
