//! Markdown to a report. Owns the bounds and the order of the stages; the stages are in their own files.

mod blocks;
mod cite;
mod inline;
mod split;

use mcp_orchestrator_domain::{Block, Report};

pub(crate) use inline::escape_into;

/// The longest Markdown read, in bytes.
pub const BYTES_MAX: usize = 2 * 1024 * 1024;
/// The most blocks, list items and table cells read.
pub const BLOCKS_MAX: usize = 20_000;
/// The deepest nesting of blocks and inline marks read.
pub const DEPTH_MAX: usize = 48;

/// Markdown that is not read: it exceeds a bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// More than [`BYTES_MAX`] bytes.
    #[error("markdown of {bytes} bytes exceeds {BYTES_MAX}")]
    TooLong {
        /// How many there are.
        bytes: usize,
    },
    /// More than [`BLOCKS_MAX`] blocks, items and cells.
    #[error("markdown has more than {BLOCKS_MAX} blocks")]
    TooManyBlocks,
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("markdown is nested deeper than {DEPTH_MAX}")]
    TooDeep,
}

/// Reads Markdown with `[ev_…]` citations into a report tree.
///
/// A citation belongs to the sentence it stands in or follows, before or after the full stop; several may share a bracket. The
/// first heading is dropped when it is the `title`; the others are raised so that the highest is of level 1. Raw HTML is
/// text; links stay only for `http`, `https` and `mailto`. No text is lost: what Markdown would hide, such as link definitions,
/// becomes paragraphs. The outcome is the default one and every sentence is unchecked.
///
/// Takes time linear in the length and no stack beyond a constant.
///
/// # Errors
/// [`ParseError`] when the Markdown exceeds a bound.
pub fn parse(markdown: &str, title: &str) -> Result<Report, ParseError> {
    if markdown.len() > BYTES_MAX {
        return Err(ParseError::TooLong { bytes: markdown.len() });
    }
    let mut blocks = blocks::read(markdown)?;
    let is_title = matches!(blocks.first(), Some(Block::Heading { level: 1, text }) if is_same(text, title));
    if is_title {
        blocks.remove(0);
    }
    raise_headings(&mut blocks);
    Ok(Report { title: title.to_owned(), blocks, ..Report::default() })
}

fn is_same(heading: &str, title: &str) -> bool {
    let letters =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    letters(heading) == letters(title)
}

fn raise_headings(blocks: &mut [Block]) {
    let levels = |block: &Block| if let Block::Heading { level, .. } = block { Some(*level) } else { None };
    let above = blocks.iter().filter_map(levels).min().unwrap_or(1).saturating_sub(1);
    for block in blocks {
        if let Block::Heading { level, .. } = block {
            *level -= above;
        }
    }
}
