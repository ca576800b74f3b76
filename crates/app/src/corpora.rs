//! Folders of documents and the names requests know them by. Owns naming and the first look; indexing is the corpus's.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use mcp_orchestrator_domain::CorpusName;
use mcp_orchestrator_tools::CorpusError;

/// Folders by the name of their corpus.
pub type CorpusFolders = BTreeMap<CorpusName, Vec<PathBuf>>;

/// What is wrong with documents.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentsError {
    /// A folder or file cannot be read.
    #[error("corpus {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// As given.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It cannot be searched: it is empty or too large, or its index cannot be kept.
    #[error("corpus {name}: {source}")]
    Corpus {
        /// Its name.
        name: CorpusName,
        /// The cause.
        source: CorpusError,
    },
}

/// Names folders after themselves: `./My Docs` is `my-docs`; a second folder of that name is `my-docs-2`. The same
/// folder twice is one corpus.
///
/// # Errors
/// [`DocumentsError::Unreadable`] when one is not there or cannot be read.
pub fn name_folders(folders: &[PathBuf]) -> Result<CorpusFolders, DocumentsError> {
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

/// The full path of a folder whose entries can be listed, or of a file that can be opened.
///
/// # Errors
/// [`DocumentsError::Unreadable`].
pub fn readable(path: &Path) -> Result<PathBuf, DocumentsError> {
    let look = || {
        let full = path.canonicalize()?;
        if full.is_dir() {
            std::fs::read_dir(&full)?;
        } else {
            std::fs::File::open(&full)?;
        }
        Ok(full)
    };
    look().map_err(|source| DocumentsError::Unreadable { path: path.to_owned(), source })
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
    fn what_is_not_there_is_refused_by_name() {
        let root = tempfile::tempdir().unwrap();
        let error = name_folders(&[root.path().join("absent")]).unwrap_err().to_string();
        assert!(error.contains("absent") && error.contains("cannot be read"), "{error}");
    }
}
