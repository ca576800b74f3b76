//! The page of promises names a test under each of them, and every test it names exists.

use std::{fs, path::Path};

const PAGE: &str = "docs/guarantees.md";
/// Folders whose functions may prove something.
const PROOFS: &[&str] = &["crates", "bins", "tests"];
/// The section whose points need no proof: they say what is not promised.
const NOT: &str = "What is not promised";

#[test]
fn every_promise_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join(PAGE)).unwrap();
    let mut sources = String::new();
    for folder in PROOFS {
        collect(&root.join(folder), &mut sources);
    }
    let (promises, _) = page.split_once(&format!("## {NOT}")).unwrap();
    let mut wrong = Vec::new();
    let mut named = 0;
    for promise in promises.split("\n## ").skip(1) {
        let title = promise.lines().next().unwrap_or_default();
        let Some((_, proofs)) = promise.split_once("- Proved by") else {
            wrong.push(format!("{title}: names no test"));
            continue;
        };
        for test in proofs.split('`').skip(1).step_by(2) {
            named += 1;
            if !sources.contains(&format!("fn {test}(")) && !sources.contains(&format!("fn {test}<")) {
                wrong.push(format!("{title}: there is no {test}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(named > 20, "only {named} tests are named");
}

/// The text of all tests below a folder, and of the suites that are run by them.
fn collect(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, into);
        }
        let is_test = path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "testkit");
        if is_test && path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
