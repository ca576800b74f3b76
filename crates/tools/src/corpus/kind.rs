//! What kind of document a file is, told by its name. Owns the table of extensions; reads no file.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// How a file's text is found and cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Headings and paragraphs in a light markup.
    Markup,
    /// Paragraphs.
    Prose,
    /// A web page: tags are taken off, headings become Markdown's.
    Html,
    /// Source code and configuration: blocks between blank lines.
    Code,
    /// One record a line; the first line names the columns.
    Table,
    /// A PDF: its text becomes Markdown.
    Pdf,
}

impl Kind {
    /// The kind of a file, or `None` for what certainly holds no text. A file with an unknown name counts as prose;
    /// whether it is text shows when it is read.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        Some(match extension.as_deref() {
            Some("md" | "markdown" | "mdx" | "mdown" | "rst" | "adoc" | "asciidoc") => Self::Markup,
            Some("html" | "htm" | "xhtml") => Self::Html,
            Some("pdf") => Self::Pdf,
            Some("csv" | "tsv" | "jsonl" | "ndjson") => Self::Table,
            Some(extension) if CODE.contains(&extension) => Self::Code,
            Some(extension) if BINARY.contains(&extension) => return None,
            Some(_) | None => Self::Prose,
        })
    }
}

/// Source code, data and configuration.
const CODE: &[&str] = &[
    "bash", "bat", "c", "cc", "cfg", "cjs", "clj", "cmake", "conf", "cpp", "cs", "css", "cxx", "dart", "erl", "ex",
    "exs", "fish", "go", "gradle", "graphql", "h", "hpp", "hs", "ini", "java", "jl", "js", "json", "json5", "jsx",
    "kt", "kts", "lua", "mjs", "ml", "mli", "nix", "php", "pl", "pm", "proto", "ps1", "py", "r", "rb", "rs", "scala",
    "scss", "sh", "sql", "svelte", "swift", "tf", "toml", "ts", "tsx", "vue", "xml", "yaml", "yml", "zig", "zsh",
];

/// Pictures, sound, archives, programs, office files and keys: never read.
const BINARY: &[&str] = &[
    "7z", "a", "avi", "avif", "bin", "bmp", "bz2", "class", "dat", "db", "dll", "dmg", "doc", "docx", "dylib", "eot",
    "epub", "exe", "flac", "gif", "gz", "heic", "ico", "iso", "jar", "jpeg", "jpg", "key", "lib", "lock", "m4a", "map",
    "mkv", "mov", "mp3", "mp4", "o", "odp", "ods", "odt", "ogg", "otf", "p12", "pem", "pfx", "png", "ppt", "pptx",
    "pyc", "rar", "rlib", "rmeta", "so", "sqlite", "sqlite3", "svg", "tar", "tgz", "tif", "tiff", "ttf", "war", "wasm",
    "wav", "webm", "webp", "woff", "woff2", "xls", "xlsx", "xz", "zip", "zst",
];
