//! What a reader of docs.rs and crates.io may rely on in every published crate: how its page begins, and what it ships.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::layering::packages;

/// A published package: its name, its folder, its manifest.
struct Published {
    name: String,
    folder: PathBuf,
    manifest: serde_json::Value,
}

fn published() -> Vec<Published> {
    let is_published = |package: &serde_json::Value| package["publish"].is_null();
    let found: Vec<Published> = packages()
        .into_iter()
        .filter(is_published)
        .map(|manifest| Published {
            name: manifest["name"].as_str().unwrap().to_owned(),
            folder: Path::new(manifest["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned(),
            manifest,
        })
        .collect();
    assert!(found.len() > 8, "only {} packages are published", found.len());
    found
}

#[test]
fn every_crate_page_opens_with_a_sentence_an_example_its_features_and_where_to_start() {
    let mut faults = Vec::new();
    for Published { name, folder, manifest } in published() {
        let Ok(source) = fs::read_to_string(folder.join("src/lib.rs")) else { continue };
        let page: Vec<&str> =
            source.lines().map_while(|line| line.strip_prefix("//!").or_else(|| attribute(line))).collect();
        let page = page.join("\n");
        let first = page.lines().take_while(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(" ");
        let mut complain = |what: &str| faults.push(format!("{name} {what}"));
        if !first.trim_end().ends_with('.') {
            complain("does not open with a sentence");
        }
        if !page.contains("\n ```\n") && !page.contains("\n ```no_run\n") {
            complain("shows no example");
        }
        let features = manifest["features"].as_object().unwrap();
        for feature in features.keys().filter(|feature| *feature != "default") {
            if !page.contains(&format!("| `{feature}` |")) && !page.contains(&format!("`{feature}`")) {
                complain(&format!("does not say what the feature {feature} adds"));
            }
        }
        if features.is_empty() && !page.contains("It has no features") {
            complain("does not say that it has no features");
        }
        if !page.contains("Start at") && !page.contains("# Where to start") {
            complain("does not say where to start");
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// An attribute among the lines of a page is a line that depends on a feature.
fn attribute(line: &str) -> Option<&str> {
    line.starts_with("#![cfg_attr(").then_some("")
}

#[test]
fn every_published_package_describes_itself_and_ships_its_licences() {
    let mut faults = Vec::new();
    for Published { name, folder, manifest } in published() {
        for file in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            if !folder.join(file).is_file() {
                faults.push(format!("{name} ships no {file}"));
            }
        }
        for field in ["description", "license", "repository", "readme"] {
            if manifest[field].as_str().is_none_or(str::is_empty) {
                faults.push(format!("{name} has no {field}"));
            }
        }
        let is_library = folder.join("src/lib.rs").is_file();
        if is_library && manifest["metadata"]["docs"]["rs"]["all-features"] != true {
            faults.push(format!("{name} shows only its default features on docs.rs"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_of_services_says_what_the_catalogue_has() {
    use mcp_orchestrator::{Provider as _, domain::Tier, provider::catalogue};
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/providers.md")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .map(|line| line.split('|').map(str::trim).collect())
        .filter(|cells: &Vec<_>| cells.len() == 12)
        .collect();
    for vendor in catalogue() {
        let named = format!("`{}`", vendor.name);
        let row = rows.iter().find(|cells| cells[1].split(", ").any(|name| name == named)).unwrap();
        let keys = vendor.key_env.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        assert_eq!(row[2], if keys.is_empty() { "none" } else { &keys }, "{named}");
        assert_eq!(row[3], format!("`{}`", vendor.wire.as_str()), "{named}");
        let can = vendor.provider(None).build().unwrap().capabilities(None);
        assert_eq!(row[5], if can.tools { "yes" } else { "no" }, "{named}");
        assert_eq!(row[6], if can.images { "yes" } else { "if told" }, "{named}");
        let models = Tier::ALL.map(|tier| vendor.tier_model(tier));
        let [primary, rest @ ..] = models;
        assert_eq!(
            row[8],
            primary.map_or_else(|| "the first that can chat".to_owned(), |model| format!("`{model}`")),
            "{named}"
        );
        for (cell, model) in row[9..].iter().zip(rest) {
            let expected = model.filter(|model| Some(*model) != primary).map(|model| format!("`{model}`"));
            assert_eq!(*cell, expected.unwrap_or_else(|| "the same".to_owned()), "{named}");
        }
    }
}
