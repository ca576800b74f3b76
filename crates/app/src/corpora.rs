//! Folders of documents and the names requests know them by. Owns naming and the first look at a folder; does not index.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use mcp_orchestrator_domain::CorpusName;

/// Folders by the name of their corpus.
pub type CorpusFolders = BTreeMap<CorpusName, Vec<PathBuf>>;

/// What is wrong with a folder of documents.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// It cannot be read.
    #[error("corpus {} cannot be read: {source}", .folder.display())]
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It is a file.
    #[error("corpus {} is no folder", .0.display())]
    NoFolder(PathBuf),
    /// It holds no document that can be searched.
    #[error("corpus {name} ({}) holds no document that can be searched", .folders.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", "))]
    Empty {
        /// Its name.
        name: CorpusName,
        /// Its folders.
        folders: Vec<PathBuf>,
    },
    /// Its index cannot be made or opened.
    #[error("corpus {name} cannot be indexed: {detail}")]
    Index {
        /// Its name.
        name: CorpusName,
        /// The cause.
        detail: String,
    },
}

/// Names folders after themselves: `./My Docs` is `my-docs`; a second folder of that name is `my-docs-2`. The same
/// folder twice is one corpus.
///
/// # Errors
/// [`CorpusError`] when one is no folder or cannot be read.
pub fn name_folders(folders: &[PathBuf]) -> Result<CorpusFolders, CorpusError> {
    let mut named = CorpusFolders::new();
    for folder in folders {
        let folder = readable(folder)?;
        if named.values().flatten().any(|known| *known == folder) {
            continue;
        }
        let stem = stem(&folder);
        let free = (1..=folders.len())
            .map(|n| if n == 1 { stem.clone() } else { format!("{stem}-{n}") })
            .filter_map(|name| CorpusName::new(&name).ok())
            .find(|name| !named.contains_key(name));
        if let Some(name) = free {
            named.insert(name, vec![folder]);
        }
    }
    Ok(named)
}

/// The folder's full path, if it is a folder whose entries can be listed.
///
/// # Errors
/// [`CorpusError::Unreadable`], [`CorpusError::NoFolder`].
pub fn readable(folder: &Path) -> Result<PathBuf, CorpusError> {
    let unreadable = |source| CorpusError::Unreadable { folder: folder.to_owned(), source };
    let full = folder.canonicalize().map_err(unreadable)?;
    if !full.is_dir() {
        return Err(CorpusError::NoFolder(folder.to_owned()));
    }
    std::fs::read_dir(&full).map_err(unreadable)?;
    Ok(full)
}

fn stem(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let mut stem = String::new();
    for c in name.chars().take(56) {
        let kept = if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
        if !(stem.is_empty() && !kept.is_ascii_alphanumeric() || kept == '-' && stem.ends_with('-')) {
            stem.push(kept);
        }
    }
    let stem = stem.trim_end_matches(['-', '.', '_']);
    if stem.is_empty() { "corpus".to_owned() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::name_folders;

    #[test]
    fn folders_are_named_after_themselves_and_never_share_a_name() {
        let root = tempfile::tempdir().unwrap();
        let folders = ["a/My Docs", "b/my docs", "c/漢字", "d/.hidden"].map(|path| root.path().join(path));
        for folder in &folders {
            std::fs::create_dir_all(folder).unwrap();
        }
        let twice: Vec<_> = folders.iter().chain(&folders[..1]).cloned().collect();
        let named = name_folders(&twice).unwrap();
        let names: Vec<&str> = named.keys().map(|name| name.as_str()).collect();
        assert_eq!(names, ["corpus", "hidden", "my-docs", "my-docs-2"]);
    }

    #[test]
    fn what_is_no_folder_is_refused_by_name() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("note.md");
        std::fs::write(&file, "text").unwrap();
        let error = name_folders(std::slice::from_ref(&file)).unwrap_err().to_string();
        assert!(error.contains("note.md") && error.ends_with("is no folder"), "{error}");
        let error = name_folders(&[root.path().join("absent")]).unwrap_err().to_string();
        assert!(error.contains("absent") && error.contains("cannot be read"), "{error}");
    }
}
