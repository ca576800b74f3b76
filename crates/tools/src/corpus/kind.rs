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
            Some(extension) if is_code(extension) => Self::Code,
            Some(extension) if is_binary(extension) => return None,
            Some(_) | None => Self::Prose,
        })
    }
}

fn is_code(extension: &str) -> bool {
    matches!(
        extension,
        "rs" | "py"
            | "js"
            | "jsx"
            | "mjs"
            | "cjs"
            | "ts"
            | "tsx"
            | "go"
            | "java"
            | "kt"
            | "kts"
            | "c"
            | "h"
            | "cc"
            | "cpp"
            | "cxx"
            | "hpp"
            | "cs"
            | "rb"
            | "php"
            | "swift"
            | "scala"
            | "sh"
            | "bash"
            | "zsh"
            | "fish"
            | "ps1"
            | "sql"
            | "lua"
            | "pl"
            | "pm"
            | "r"
            | "jl"
            | "ex"
            | "exs"
            | "erl"
            | "hs"
            | "ml"
            | "mli"
            | "clj"
            | "dart"
            | "zig"
            | "proto"
            | "graphql"
            | "json"
            | "json5"
            | "yaml"
            | "yml"
            | "toml"
            | "ini"
            | "cfg"
            | "conf"
            | "xml"
            | "css"
            | "scss"
            | "vue"
            | "svelte"
            | "tf"
            | "nix"
            | "cmake"
            | "gradle"
            | "bat"
    )
}

fn is_binary(extension: &str) -> bool {
    matches!(
        extension,
        "png"
            | "jpg"
            | "jpeg"
            | "gif"
            | "webp"
            | "bmp"
            | "ico"
            | "tif"
            | "tiff"
            | "svg"
            | "heic"
            | "avif"
            | "mp3"
            | "mp4"
            | "m4a"
            | "wav"
            | "flac"
            | "ogg"
            | "webm"
            | "mov"
            | "avi"
            | "mkv"
            | "zip"
            | "gz"
            | "tgz"
            | "bz2"
            | "xz"
            | "zst"
            | "7z"
            | "rar"
            | "tar"
            | "jar"
            | "war"
            | "exe"
            | "dll"
            | "so"
            | "dylib"
            | "a"
            | "o"
            | "lib"
            | "rlib"
            | "rmeta"
            | "class"
            | "pyc"
            | "wasm"
            | "bin"
            | "dat"
            | "db"
            | "sqlite"
            | "sqlite3"
            | "woff"
            | "woff2"
            | "ttf"
            | "otf"
            | "eot"
            | "doc"
            | "docx"
            | "xls"
            | "xlsx"
            | "ppt"
            | "pptx"
            | "odt"
            | "ods"
            | "odp"
            | "epub"
            | "iso"
            | "dmg"
            | "pem"
            | "key"
            | "p12"
            | "pfx"
            | "map"
            | "lock"
    )
}
