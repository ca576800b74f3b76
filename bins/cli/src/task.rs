//! The task as typed: a text, `-` for stdin, `@FILE` for a file. Owns reading it; its rules are the domain's.

use std::{
    fs::File,
    io::{self, Read},
};

/// More than any task may have, in bytes: 5,000 characters of four.
const BYTES_MAX: u64 = 64 * 1024;

/// Why a task could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the task from {from}: {source}")]
pub(crate) struct Unreadable {
    /// The file, or stdin.
    from: String,
    source: io::Error,
}

/// Reads the task. At most 64 KiB of a file or of stdin are read.
pub(crate) fn read(argument: &str) -> Result<String, Unreadable> {
    let (from, read) = match argument.strip_prefix('@') {
        _ if argument == "-" => ("stdin".to_owned(), text(io::stdin().lock())),
        Some(path) => (path.to_owned(), File::open(path).and_then(text)),
        None => return Ok(argument.to_owned()),
    };
    read.map_err(|source| Unreadable { from, source })
}

fn text(reader: impl Read) -> io::Result<String> {
    let mut text = String::new();
    reader.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than 64 KiB"));
    }
    Ok(text)
}
