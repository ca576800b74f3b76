//! What a line of a document is. Owns the looks of headings, items, fences and code; cuts nothing.

/// How a file is laid out, by the ending of its name.
#[derive(Clone, Copy)]
pub(super) enum Layout {
    Prose,
    Rows,
    Lines,
    Program(&'static [&'static str]),
}

impl Layout {
    pub(super) fn of(uri: &str) -> Self {
        const SLASHES: &[&str] = &["///", "//!", "//", "/**", "/*", "*/", "*"];
        const HASHES: &[&str] = &["#"];
        const DASHES: &[&str] = &["--"];
        let name = uri.rsplit('/').next().unwrap_or(uri);
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        match ending.as_str() {
            "csv" | "tsv" => Self::Rows,
            "json" | "jsonl" | "ndjson" | "xml" => Self::Lines,
            "rs" | "c" | "h" | "cc" | "cpp" | "hpp" | "java" | "js" | "jsx" | "ts" | "tsx" | "go" | "kt" | "swift"
            | "cs" | "php" | "scala" | "css" | "proto" => Self::Program(SLASHES),
            "py" | "sh" | "rb" | "toml" | "yaml" | "yml" | "ini" | "cfg" | "conf" | "pl" | "r" | "jl" | "nix"
            | "cmake" | "env" => Self::Program(HASHES),
            "sql" | "lua" | "hs" | "adb" | "ads" => Self::Program(DASHES),
            _ => Self::Prose,
        }
    }
}

/// Whether a passage begins inside a fenced block: its first fence is bare and what stands above it reads like code.
pub(super) fn starts_in_fence(quote: &str) -> bool {
    let content = |line: &str| -> String { line.trim().trim_start_matches(['/', '!', '*', '#', ' ']).to_owned() };
    let lines: Vec<String> = quote.lines().map(content).collect();
    let Some(fence) = lines.iter().position(|line| line.starts_with("```")) else { return false };
    let code = lines[..fence].iter().filter(|line| reads_like_code(line)).count();
    let filled = lines[..fence].iter().filter(|line| !line.is_empty()).count();
    lines[fence] == "```" && filled > 0 && 2 * code >= filled
}

/// Whether a line is program text rather than prose.
pub(super) fn reads_like_code(line: &str) -> bool {
    let ends = line.ends_with([';', '{', '}', '(', ')', ',']) && !line.ends_with("e.g.,");
    let holds = ["::", "=>", "->", " = ", "();", "&mut ", "let ", "fn "].iter().any(|sign| line.contains(sign));
    let bare = !line.contains('`') && !line.contains(". ");
    bare && (ends && (holds || !line.contains(' ')) || line.ends_with([';', '{', '}']))
}

/// Whether a line of code gives something a value or a type, so that the comment above it is not whole without it.
pub(super) fn sets_value(line: &str) -> bool {
    (line.contains(" = ") || line.contains(": ")) && !line.contains("fn ") && !line.starts_with(['#', '@'])
}

pub(super) fn strip_quote_marks(mut line: &str) -> &str {
    while let Some(rest) = line.strip_prefix('>') {
        line = rest.trim_start();
    }
    line
}

pub(super) fn atx_heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    let rest = &line[level..];
    ((1..=6).contains(&level) && rest.starts_with(' ')).then(|| (level, rest.trim().trim_end_matches('#').trim_end()))
}

pub(super) fn is_underline(line: &str) -> bool {
    line.len() >= 2 && ["=", "-", "*", "_"].iter().any(|mark| line.replace(mark, "").trim().is_empty())
}

pub(super) fn is_link_definition(line: &str) -> bool {
    line.starts_with('[') && line.split_once("]:").is_some_and(|(name, _)| name.len() <= 80 && !name.contains(']'))
}

pub(super) fn list_item(line: &str) -> Option<&str> {
    for bullet in ["- ", "* ", "+ ", "• ", "– "] {
        if let Some(item) = line.strip_prefix(bullet) {
            let item = item.trim_start();
            return Some(["[ ] ", "[x] ", "[X] "].iter().find_map(|task| item.strip_prefix(task)).unwrap_or(item));
        }
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &line[digits..];
    ((1..=3).contains(&digits))
        .then(|| rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")))
        .flatten()
        .map(str::trim_start)
}

/// `Name: value` on a line of its own.
pub(super) fn is_labelled(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(label, _)| {
        label.len() <= 32
            && label.chars().next().is_some_and(char::is_uppercase)
            && label.split(' ').count() <= 4
            && !label.contains(['.', ',', '(', '`'])
    })
}
