//! Turns a file's bytes into the text that is indexed, kept and quoted. Owns decoding, normalising and the guard around
//! foreign parsers; knows no index.

mod html;
mod pdf;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

use super::{CorpusLimits, kind::Kind};

/// Bytes looked at to tell text from other files.
const SNIFF_BYTES: usize = 8 << 10;

/// Why a file is not in the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SkipReason {
    /// Larger than the limit for one file.
    TooLarge,
    /// Not text.
    Binary,
    /// The system refused to read it.
    Unreadable,
    /// Its path resolves to a place outside the folder.
    Outside,
    /// It holds no words: empty, or a scan.
    NoText,
    /// Its parser gave up on it.
    Malformed,
    /// Its elements are nested too deeply.
    TooDeep,
    /// It took too long to parse.
    TooSlow,
}

/// A document's text: UTF-8, `\n` line ends, no control characters but newline and tab.
#[derive(Debug)]
pub(super) struct Extracted {
    pub(super) text: String,
    /// A title the format states outside the text.
    pub(super) title: Option<String>,
}

/// The text of a file.
///
/// # Errors
/// [`SkipReason`] when there is none to be had; a parser that panics is [`SkipReason::Malformed`].
pub(super) fn extract(kind: Kind, bytes: Vec<u8>, limits: &CorpusLimits) -> Result<Extracted, SkipReason> {
    let extracted = match kind {
        Kind::Pdf => pdf::text(bytes)?,
        Kind::Html => {
            let source = decode(&bytes)?;
            catch_unwind(AssertUnwindSafe(|| html::text(&source))).map_err(|_panic| SkipReason::Malformed)??
        }
        Kind::Markup | Kind::Prose | Kind::Code | Kind::Table => Extracted { text: decode(&bytes)?, title: None },
    };
    let text = shorten(normalise(&extracted.text), limits.text_bytes_max);
    if !text.contains(char::is_alphanumeric) {
        return Err(SkipReason::NoText);
    }
    Ok(Extracted { text, ..extracted })
}

fn decode(bytes: &[u8]) -> Result<String, SkipReason> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => Ok(String::from_utf8_lossy(rest).into_owned()),
        [0xFF, 0xFE, rest @ ..] => Ok(decode_utf16(rest, u16::from_le_bytes)),
        [0xFE, 0xFF, rest @ ..] => Ok(decode_utf16(rest, u16::from_be_bytes)),
        _ if is_binary(bytes) => Err(SkipReason::Binary),
        _ => Ok(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// A zero byte, or a tenth of control characters, near the beginning.
fn is_binary(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(SNIFF_BYTES)];
    let control = head.iter().filter(|b| **b < 0x20 && !matches!(**b, b'\n' | b'\r' | b'\t' | 0x0C | 0x1B)).count();
    head.contains(&0) || control * 10 > head.len()
}

fn normalise(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    normal.push('\n');
                }
            }
            '\n' | '\t' => normal.push(c),
            '\u{feff}' => {}
            c if c.is_control() => {}
            c => normal.push(c),
        }
    }
    normal
}

fn shorten(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        let end = text.floor_char_boundary(bytes_max);
        text.truncate(text[..end].rfind('\n').filter(|at| *at > end / 2).unwrap_or(end));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{CorpusLimits, Kind, SkipReason, extract};

    fn text(bytes: &[u8]) -> Result<String, SkipReason> {
        extract(Kind::Prose, bytes.to_vec(), &CorpusLimits::default()).map(|extracted| extracted.text)
    }

    #[test]
    fn every_encoding_becomes_clean_utf8() {
        assert_eq!(text(b"\xEF\xBB\xBFa\r\nb\rc\x1b[0m").as_deref(), Ok("a\nb\nc[0m"));
        assert_eq!(text(b"caf\xe9 au lait").as_deref(), Ok("caf\u{fffd} au lait"));
        assert_eq!(text(b"\xFF\xFEh\0i\0").as_deref(), Ok("hi"));
        assert_eq!(text(b"\xFE\xFF\0h\0i").as_deref(), Ok("hi"));
        assert_eq!(text(b"ELF\0\x01"), Err(SkipReason::Binary));
        assert_eq!(text(b" \n--\n"), Err(SkipReason::NoText));
        assert_eq!(text(b""), Err(SkipReason::NoText));
    }
}
