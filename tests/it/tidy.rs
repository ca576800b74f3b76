//! What a reader may rely on in every file: that it says what it owns, that it is short, that nothing is left undone.

use std::{
    fs,
    path::{Path, PathBuf},
};

const LINES_MAX: usize = 500;

/// Marks of unfinished work, written so that this file does not hold them itself.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("unimpl", "emented!"),
    concat!("HA", "CK"),
];

const FOLDERS: &[&str] = &["crates", "bins", "examples", "benches", "tests", "xtask", "docs"];

#[test]
fn every_source_file_says_first_what_it_owns() {
    complain(sources(), |_, text| (!text.starts_with("//! ")).then(|| "does not begin with a `//!` line".to_owned()));
}

#[test]
fn every_source_file_can_be_read_in_one_sitting() {
    complain(sources(), |_, text| {
        let lines = text.lines().count();
        (lines > LINES_MAX).then(|| format!("has {lines} lines"))
    });
}

#[test]
fn nothing_is_left_undone() {
    complain(files("rs").into_iter().chain(files("md")).chain(files("toml")), |_, text| {
        let mark = UNFINISHED.iter().find(|mark| text.contains(**mark))?;
        Some(format!("holds {mark:?}"))
    });
}

#[test]
fn every_package_obeys_the_workspace_lints() {
    complain(files("toml").into_iter().filter(|path| path.ends_with("Cargo.toml")), |_, text| {
        (!text.contains("[lints]\nworkspace = true")).then(|| "has lints of its own".to_owned())
    });
}

#[test]
fn every_crate_has_its_line_on_the_code_map() {
    for (map, folder) in
        [("crates/README.md", "crates"), ("docs/architecture.md", "crates"), ("docs/architecture.md", "bins")]
    {
        let map = fs::read_to_string(root().join(map)).unwrap();
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            assert!(!entry.path().is_dir() || map.contains(&format!("`{name}`")), "{name} is not on the code map");
        }
    }
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "VERSIONING.md", "AGENTS.md"];
    let pages = pages.iter().map(|page| root().join(page)).chain(files("md"));
    complain(pages, |path, text| {
        let folder = path.parent()?;
        let broken = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .map(|(target, _)| target.split('#').next().unwrap_or_default())
            .find(|target| !target.is_empty() && !target.contains("://") && !folder.join(target).exists())?;
        Some(format!("links to {broken}, which is not there"))
    });
}

fn complain(files: impl IntoIterator<Item = PathBuf>, fault: impl Fn(&Path, &str) -> Option<String>) {
    let mut looked_at = 0;
    let mut faults = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        looked_at += 1;
        faults.extend(fault(&path, &text).map(|fault| format!("{} {fault}", path.display())));
    }
    assert!(looked_at > 5, "only {looked_at} files were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn sources() -> Vec<PathBuf> {
    files("rs")
}

/// Files with this extension, test corpora aside: those are data.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let is_data = path.file_name().is_some_and(|name| name == "corpora" || name == "target" || name == "data");
            if path.is_dir() && !is_data {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
