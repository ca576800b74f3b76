//! One server in a JSON text. Everything else of it stays byte for byte: order, spaces, comments.

use std::ops::Range;

use serde_json::{Value, ser::PrettyFormatter};

use super::entry::{Entry, WORDS};

/// The text with the server under `table`. What an older entry says beside how to reach the server stays.
///
/// # Errors
/// Why the text cannot be added to: it is no JSON, or something else is where servers should be.
pub(super) fn with(text: &str, table: &str, name: &str, entry: &Entry, comments: bool) -> Result<String, String> {
    let plain = plain(text, comments);
    if plain.trim().is_empty() {
        if !text.trim_start_matches('\u{feff}').trim().is_empty() {
            return Err("there is nothing but comments in it".to_owned());
        }
        return Ok(format!(
            "{{\n  {}: {{\n    {}: {}\n  }}\n}}\n",
            quoted(table),
            quoted(name),
            written(entry, "  ", "    ")
        ));
    }
    let whole: Value = serde_json::from_str(&plain).map_err(|error| error.to_string())?;
    let Value::Object(whole) = whole else { return Err("it holds no object".to_owned()) };
    let file = Text::of(text, &plain);
    let top = file.object(plain.find('{').unwrap_or_default());
    let Some(servers) = whole.get(table) else {
        let unit = file.unit(&top);
        let inner = format!("{}{unit}", unit);
        let servers = format!("{{\n{inner}{}: {}\n{unit}}}", quoted(name), written(entry, &unit, &inner));
        return Ok(file.added(&top, table, &servers.replace('\n', file.line_end())));
    };
    let Value::Object(servers) = servers else { return Err(format!("{table:?} holds no object")) };
    let at = top.value_of(table).ok_or("its keys cannot be told apart")?;
    let inside = file.object(at.start);
    match servers.get(name) {
        Some(old) => {
            let new = merged(old, entry);
            if new == *old {
                return Ok(text.to_owned());
            }
            let at = inside.value_of(name).ok_or("its keys cannot be told apart")?;
            let indent = file.indent_at(at.start);
            let new = written(&new, &file.unit(&top), &indent).replace('\n', file.line_end());
            Ok(format!("{}{new}{}", &text[..at.start], &text[at.end..]))
        }
        None => {
            let unit = file.unit(&top);
            let indent = file.indent_inside(&inside, &unit);
            Ok(file.added(&inside, name, &written(entry, &unit, &indent).replace('\n', file.line_end())))
        }
    }
}

/// An older entry with the new way to reach the server.
fn merged(old: &Value, entry: &Entry) -> Value {
    let new = serde_json::to_value(entry).unwrap_or_default();
    let (Value::Object(old), Value::Object(new)) = (old, &new) else { return new };
    let mut both = old.clone();
    both.retain(|word, _| !WORDS.contains(&word.as_str()));
    both.extend(new.clone());
    Value::Object(both)
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A value over several lines, all but the first after `indent`.
fn written(value: &impl serde::Serialize, unit: &str, indent: &str) -> String {
    let mut bytes = Vec::new();
    let mut serializer =
        serde_json::Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(unit.as_bytes()));
    // Texts and lists always have a JSON form.
    let _written = value.serialize(&mut serializer);
    String::from_utf8_lossy(&bytes).replace('\n', &format!("\n{indent}"))
}

/// The text with spaces instead of a byte order mark, and of comments and trailing commas where they are allowed. Every
/// byte stays at its place.
fn plain(text: &str, comments: bool) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if text.starts_with('\u{feff}') {
        bytes[..3].fill(b' ');
    }
    if comments {
        blank(&mut bytes);
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn blank(bytes: &mut [u8]) {
    let mut at = 0;
    let mut comma = None;
    while at < bytes.len() {
        let from = at;
        match bytes[at] {
            b'"' => {
                at = end_of_string(bytes, at);
                comma = None;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                while at < bytes.len() && bytes[at] != b'\n' {
                    at += 1;
                }
                bytes[from..at].fill(b' ');
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = bytes[at + 2..].windows(2).position(|two| two == b"*/");
                let Some(end) = end else { return };
                at += end + 4;
                for byte in &mut bytes[from..at] {
                    if *byte != b'\n' {
                        *byte = b' ';
                    }
                }
                continue;
            }
            b',' => comma = Some(at),
            b'}' | b']' => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                }
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => comma = None,
        }
        at += 1;
    }
}

/// Where a string that begins at `at` is over.
fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// A JSON text that is known to be valid, and the same with its comments blanked.
struct Text<'a> {
    text: &'a str,
    plain: &'a [u8],
}

/// Where an object and its members are.
struct Object {
    open: usize,
    close: usize,
    members: Vec<(String, Range<usize>)>,
}

impl Object {
    fn value_of(&self, key: &str) -> Option<Range<usize>> {
        // The last of one name is the one that counts.
        self.members.iter().rev().find(|(name, _)| name == key).map(|(_, at)| at.clone())
    }
}

impl<'a> Text<'a> {
    const fn of(text: &'a str, plain: &'a str) -> Self {
        Self { text, plain: plain.as_bytes() }
    }

    /// The object that begins at `open`.
    fn object(&self, open: usize) -> Object {
        let mut members = Vec::new();
        let mut at = self.past_space(open + 1);
        while self.plain.get(at) == Some(&b'"') {
            let end = end_of_string(self.plain, at);
            let name = serde_json::from_slice(&self.plain[at..end]).unwrap_or_default();
            let from = self.past_space(self.past_space(end) + 1);
            let to = self.end_of_value(from);
            members.push((name, from..to));
            at = self.past_space(to);
            if self.plain.get(at) == Some(&b',') {
                at = self.past_space(at + 1);
            }
        }
        Object { open, close: at.min(self.plain.len()), members }
    }

    fn past_space(&self, mut at: usize) -> usize {
        while self.plain.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        at
    }

    fn end_of_value(&self, from: usize) -> usize {
        let mut at = from;
        let mut depth = 0_usize;
        while at < self.plain.len() {
            match self.plain[at] {
                b'"' => {
                    at = end_of_string(self.plain, at);
                    if depth == 0 {
                        return at;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => return at,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                byte if depth == 0 && (byte == b',' || byte.is_ascii_whitespace()) => return at,
                _ => {}
            }
            at += 1;
        }
        at
    }

    /// The text with another member at the end of an object.
    fn added(&self, object: &Object, key: &str, value: &str) -> String {
        let member = format!("{}: {value}", quoted(key));
        let end = self.line_end();
        let Some((_, last)) = object.members.last() else {
            // Whatever comment is inside stays before it.
            let inside = self.text[object.open + 1..object.close].trim_end();
            let at = object.open + 1 + inside.len();
            let outer = self.indent_at(object.open);
            let indent = format!("{outer}{}", self.unit_of_file());
            return format!("{}{end}{indent}{member}{end}{outer}{}", &self.text[..at], &self.text[object.close..]);
        };
        let rest = &self.text[last.end..object.close];
        let kept = rest.trim_end();
        // A comma that is there already, as comments allow it, is not repeated.
        let has_comma = self.blanked(last.end, object.close).contains(',');
        let comma = if has_comma { "" } else { "," };
        let before = if self.is_over_lines(object) {
            format!("{end}{}", self.indent_inside(object, &self.unit_of_file()))
        } else {
            " ".to_owned()
        };
        let at = last.end + kept.len();
        format!("{}{comma}{kept}{before}{member}{}", &self.text[..last.end], &self.text[at..])
    }

    /// What is between two places without its comments, but with a comma that was blanked as a trailing one.
    fn blanked(&self, from: usize, to: usize) -> String {
        let mut rest = self.text.as_bytes()[from..to].to_vec();
        rest.push(b' ');
        blank(&mut rest);
        String::from_utf8(rest).unwrap_or_default()
    }

    fn is_over_lines(&self, object: &Object) -> bool {
        self.text[object.open..object.close].contains('\n')
    }

    /// The spaces before an object's members.
    fn indent_inside(&self, object: &Object, unit: &str) -> String {
        let first = object.members.first().map(|(_, at)| at.start);
        match first.filter(|at| self.text[object.open..*at].contains('\n')) {
            Some(at) => self.indent_at(at),
            None => format!("{}{unit}", self.indent_at(object.open)),
        }
    }

    /// The spaces at the beginning of the line of a place.
    fn indent_at(&self, at: usize) -> String {
        let line = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        self.text[line..at].chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
    }

    /// By how much the file indents.
    fn unit(&self, top: &Object) -> String {
        let indent = self.indent_inside(top, "  ");
        if indent.is_empty() { "  ".to_owned() } else { indent }
    }

    fn unit_of_file(&self) -> String {
        let open = self.plain.iter().position(|byte| *byte == b'{').unwrap_or_default();
        self.unit(&self.object(open))
    }

    fn line_end(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }
}
