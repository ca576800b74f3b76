//! Opening the store a URL names. Owns the schemes; what a store promises is its own.

use std::{
    fmt,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
};

use mcp_orchestrator_store::{MemoryStore, RedisOptions, RedisStore, SqliteOptions, SqliteStore, Store, StoreError};

use crate::settings::without_userinfo;

/// The address of a store as it was given. It may hold a password: it is shown without.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoreAddress(String);

impl StoreAddress {
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }
}

/// The whole, secrets included.
impl Deref for StoreAddress {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_userinfo(&self.0))
    }
}

impl fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&without_userinfo(&self.0), f)
    }
}

/// Where workflows are kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreUrl {
    /// In this process only.
    Memory,
    /// In an SQLite file that several processes may share.
    Sqlite(PathBuf),
    /// On a Redis server that processes of several machines may share.
    Redis(Box<RedisOptions>),
}

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenStoreError {
    /// The scheme is not one of this version.
    #[error("store {url:?} has an unknown scheme, expected memory:, sqlite:PATH or redis://HOST")]
    Scheme {
        /// The address without user and password.
        url: String,
    },
    /// It is `sqlite:` without a path.
    #[error("store sqlite: names no file, expected sqlite:PATH")]
    NoPath,
    /// It is a `redis:` URL that means nothing.
    #[error("{0}, expected redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]")]
    Redis(StoreError),
    /// The file's folder cannot be made.
    #[error("cannot make the folder of store {}: {source}", .path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The store refuses.
    #[error("cannot open store {url}: {source}")]
    Open {
        /// The address.
        url: String,
        /// The cause.
        source: StoreError,
    },
}

impl StoreUrl {
    /// Reads a store's address: `memory:`, `sqlite:PATH`, `redis://HOST` or, encrypted, `rediss://HOST`.
    ///
    /// # Errors
    /// [`OpenStoreError::Scheme`], [`OpenStoreError::NoPath`], [`OpenStoreError::Redis`].
    pub fn parse(text: &str) -> Result<Self, OpenStoreError> {
        match text.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("sqlite", path)) => match path.strip_prefix("//").unwrap_or(path) {
                "" => Err(OpenStoreError::NoPath),
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            },
            Some(("redis" | "rediss", _)) => {
                Ok(Self::Redis(Box::new(RedisOptions::from_url(text).map_err(OpenStoreError::Redis)?)))
            }
            _ => Err(OpenStoreError::Scheme { url: without_userinfo(text).chars().take(120).collect() }),
        }
    }

    /// Opens it, and makes it first if it is not there.
    ///
    /// # Errors
    /// [`OpenStoreError`].
    pub async fn open(&self) -> Result<Arc<dyn Store>, OpenStoreError> {
        if let Self::Sqlite(path) = self
            && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        {
            make_private(folder).map_err(|source| OpenStoreError::Folder { path: path.clone(), source })?;
        }
        self.open_with(SqliteOptions::new()).await
    }

    /// Opens it to look at it: a file that is not there is not made, and one of an older version is not brought up but
    /// refused with [`StoreError::Outdated`].
    ///
    /// # Errors
    /// [`OpenStoreError`].
    pub async fn open_as_is(&self) -> Result<Arc<dyn Store>, OpenStoreError> {
        self.open_with(SqliteOptions::new().as_is()).await
    }

    async fn open_with(&self, file: SqliteOptions) -> Result<Arc<dyn Store>, OpenStoreError> {
        match self {
            Self::Memory => Ok(Arc::new(MemoryStore::new())),
            Self::Sqlite(path) => {
                let url = || format!("sqlite:{}", path.display());
                let store = SqliteStore::open_with(path, file).await;
                Ok(Arc::new(store.map_err(|source| OpenStoreError::Open { url: url(), source })?))
            }
            Self::Redis(options) => {
                let store = RedisStore::open_with((**options).clone()).await;
                let url = || options.location().to_owned();
                Ok(Arc::new(store.map_err(|source| OpenStoreError::Open { url: url(), source })?))
            }
        }
    }
}

/// Why a store was not copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// It is in memory.
    #[error("a store in memory ends with its process: there is nothing to copy")]
    Memory,
    /// A server keeps it, which makes copies of its own.
    #[error(
        "the store is kept by a server that copies it by its own means: for Redis, BGSAVE and a copy of its folder"
    )]
    Elsewhere,
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StoreUrl {
    /// Copies a store that is in a file to a new file, while others go on writing, as
    /// [`SqliteStore::backup_of`]. Returns the copy's size in bytes.
    ///
    /// # Errors
    /// [`BackupError`]: a store that is in no file, or why the copy could not be made.
    pub async fn backup(&self, to: &Path) -> Result<u64, BackupError> {
        match self {
            Self::Sqlite(path) => Ok(SqliteStore::backup_of(path, to).await?),
            Self::Memory => Err(BackupError::Memory),
            Self::Redis(_) => Err(BackupError::Elsewhere),
        }
    }
}

/// Makes a folder that only its owner can read: workflows hold what people ask.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::{StoreAddress, StoreUrl};

    #[test]
    fn an_address_is_shown_without_its_secret() {
        let address = StoreAddress::new("redis://me:secret@host/0".to_owned());
        assert_eq!(format!("{address} {address:?}"), "redis://…@host/0 \"redis://…@host/0\"");
        let url = StoreUrl::parse(&address).unwrap();
        assert!(matches!(&url, StoreUrl::Redis(options) if options.location() == "redis://host:6379/0"));
        assert!(!format!("{url:?}").contains("secret"));
    }

    #[test]
    fn schemes_of_other_versions_are_refused_by_name() {
        assert!(matches!(StoreUrl::parse("memory:"), Ok(StoreUrl::Memory)));
        for text in ["sqlite:/a/b.db", "sqlite:///a/b.db"] {
            assert!(matches!(StoreUrl::parse(text), Ok(StoreUrl::Sqlite(path)) if path.as_os_str() == "/a/b.db"));
        }
        for text in ["postgres://me:secret@host/0", "redis://me:secret@host/?unknown=1", "/a/b.db", "sqlite:", ""] {
            let message = StoreUrl::parse(text).unwrap_err().to_string();
            assert!(message.contains("expected") && !message.contains("secret"), "{message}");
        }
    }
}
