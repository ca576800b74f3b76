//! Making text from outside harmless. Owns what is kept; knows nothing of what the text means.

/// Text over several lines: trimmed, with control characters other than newline and tab removed, and with the
/// invisible characters that reorder or hide text (bidirectional overrides, zero-width marks) removed too.
#[must_use]
pub fn clean(text: &str) -> String {
    let kept = text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_hostile(*c)).collect::<String>();
    kept.trim().to_owned()
}

/// One line of at most `chars_max` characters: as [`clean`], with every run of white space made one space.
#[must_use]
pub fn clean_line(text: &str, chars_max: usize) -> String {
    let is_clean = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        && !text.contains("  ")
        && !text.starts_with(' ')
        && !text.ends_with(' ');
    if is_clean {
        return text[..text.len().min(chars_max)].trim_end().to_owned();
    }
    let spaced: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let line = spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !is_hostile(*c)).take(chars_max).collect::<String>().trim_end().to_owned()
}

/// A file name without extension made from any text: letters and digits of any script, other runs made one `-`, at
/// most 80 bytes, never empty, never a name an operating system reserves.
#[must_use]
pub fn file_stem(title: &str) -> String {
    const BYTES_MAX: usize = 80;
    let mut stem = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        let next = if c.is_alphanumeric() { c } else { '-' };
        if next == '-' && (stem.is_empty() || stem.ends_with('-')) {
            continue;
        }
        if stem.len() + next.len_utf8() > BYTES_MAX {
            break;
        }
        stem.push(next);
    }
    let stem = stem.trim_end_matches('-');
    let reserved = matches!(stem, "con" | "prn" | "aux" | "nul")
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    match (stem.is_empty(), reserved) {
        (true, _) => "report".to_owned(),
        (false, true) => format!("{stem}-report"),
        (false, false) => stem.to_owned(),
    }
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{clean, clean_line, file_stem};

    #[test]
    fn control_and_reordering_characters_are_removed() {
        assert_eq!(clean("  a\u{1b}[31mb\r\nc\u{202e}d\u{0}  "), "a[31mb\ncd");
        assert_eq!(clean_line("a\n\n2026 ERROR\tb", 100), "a 2026 ERROR b");
        assert_eq!(clean_line("äöü", 2), "äö");
    }

    #[test]
    fn titles_become_safe_file_names() {
        assert_eq!(file_stem("Research: How? ../../etc/passwd"), "research-how-etc-passwd");
        assert_eq!(file_stem("..."), "report");
        assert_eq!(file_stem("CON"), "con-report");
        assert_eq!(file_stem("Größe 漢字"), "größe-漢字");
        assert!(file_stem(&"x".repeat(500)).len() <= 80);
    }
}
