//! The judged questions: one TOML file per corpus in a folder such as `tests/answers`. Owns their format and where corpora lie.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

/// The questions over one corpus.
pub(crate) struct QuestionFile {
    /// The file's name without its ending.
    pub(crate) name: String,
    /// The corpus.
    pub(crate) folder: PathBuf,
    /// In the order of the file.
    pub(crate) questions: Vec<Judged>,
}

/// A question with what a right answer holds.
pub(crate) struct Judged {
    pub(crate) ask: String,
    /// Not looked at while weights were chosen.
    pub(crate) held_out: bool,
    pub(crate) expected: Expected,
}

/// What a right answer holds.
#[derive(Debug)]
pub(crate) enum Expected {
    /// One text of each group.
    Answer(Vec<Vec<String>>),
    /// The corpus says nothing.
    Nothing,
}

/// Reads every file of a folder of the workspace, by name.
pub(crate) fn load(folder: &str) -> anyhow::Result<Vec<QuestionFile>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let folder = root.join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("failed to list {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    paths.iter().map(|path| read(root, path).with_context(|| format!("failed to read {}", path.display()))).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    corpus: Place,
    question: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    ask: String,
    #[serde(default)]
    held_out: bool,
    #[serde(default)]
    nothing: bool,
    #[serde(default)]
    answer: Vec<Vec<String>>,
}

/// Where a corpus lies.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// A folder of this workspace.
    Folder(PathBuf),
    /// The source of a package the workspace depends on.
    Package(String),
}

fn read(root: &Path, path: &Path) -> anyhow::Result<QuestionFile> {
    let file: File = toml::from_str(&fs::read_to_string(path)?)?;
    let folder = match file.corpus {
        Place::Folder(folder) => root.join(folder),
        Place::Package(package) => package_folder(root, &package)?,
    };
    ensure!(folder.is_dir(), "{} is no folder", folder.display());
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let questions = file.question.into_iter().map(judged).collect::<Result<_, _>>()?;
    Ok(QuestionFile { name, folder, questions })
}

fn judged(entry: Entry) -> anyhow::Result<Judged> {
    let expected = match (entry.nothing, entry.answer.is_empty()) {
        (true, true) => Expected::Nothing,
        (false, false) => Expected::Answer(entry.answer),
        _ => bail!("{:?} needs either `answer` or `nothing`", entry.ask),
    };
    Ok(Judged { ask: entry.ask, held_out: entry.held_out, expected })
}

/// Where cargo keeps the source of a package.
fn package_folder(root: &Path, package: &str) -> anyhow::Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        manifest_path: PathBuf,
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(cargo).args(["metadata", "--format-version", "1", "--offline"]).current_dir(root).output()?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let found = metadata.packages.into_iter().find(|found| found.name == package);
    let manifest = found.with_context(|| format!("no dependency is named {package}"))?.manifest_path;
    Ok(manifest.parent().context("a manifest lies in a folder")?.to_owned())
}
