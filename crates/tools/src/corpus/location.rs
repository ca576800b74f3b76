//! How a document is named inside its corpus. Owns the escaping; no path of the machine leaves through it.

use std::{
    fmt::Write as _,
    path::{Component, Path},
};

/// The path inside its folder as text that is safe in an address, in Markdown and on a terminal: `/` between the parts;
/// white space, control and invisible characters, brackets, quotes, `%`, `#`, `?` and bytes that are no UTF-8 are
/// written as `%` and two hexadecimal digits. Different paths have different names.
pub(super) fn name_of(inside: &Path) -> String {
    let mut name = String::new();
    for component in inside.components() {
        let Component::Normal(part) = component else { continue };
        if !name.is_empty() {
            name.push('/');
        }
        for chunk in part.as_encoded_bytes().utf8_chunks() {
            for c in chunk.valid().chars() {
                if is_plain(c) {
                    name.push(c);
                } else {
                    escape(c.encode_utf8(&mut [0; 4]).as_bytes(), &mut name);
                }
            }
            escape(chunk.invalid(), &mut name);
        }
    }
    name
}

/// The last part of a document's name.
pub(super) fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "-_.~!$&'*+,;=:@".contains(c)
}

fn escape(bytes: &[u8], into: &mut String) {
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(into, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::name_of;

    #[test]
    fn hostile_names_are_written_harmlessly_and_differently() {
        assert_eq!(name_of(Path::new("guides/crash-recovery.md")), "guides/crash-recovery.md");
        assert_eq!(name_of(Path::new("a b\n[x](y).md")), "a%20b%0A%5Bx%5D%28y%29.md");
        assert_eq!(name_of(Path::new("a%20b.md")), "a%2520b.md");
        assert_eq!(name_of(Path::new("größe/\u{202e}漢.md")), "größe/%E2%80%AE漢.md");
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_kept_apart() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        assert_eq!(name_of(Path::new(OsStr::from_bytes(b"a\xff.md"))), "a%FF.md");
        assert_eq!(name_of(Path::new(OsStr::from_bytes(b"a\xfe.md"))), "a%FE.md");
    }
}
