//! Licences and owners of dependencies, checked against `deny.toml` without another tool or the network.

use std::{collections::HashMap, process::Command};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

/// Fails with every package whose licence is not allowed and every dependency used by somebody who may not.
pub(crate) fn check() -> anyhow::Result<()> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let rules = std::fs::read_to_string(format!("{root}/deny.toml")).context("deny.toml")?;
    let rules: Rules = toml::from_str(&rules).context("deny.toml")?;
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1", "--all-features"])
        .current_dir(root)
        .output()?;
    ensure!(metadata.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Metadata = serde_json::from_slice(&metadata.stdout)?;

    let mut complaints = licence_complaints(&metadata, &rules.licenses.allow);
    complaints.extend(owner_complaints(&metadata, &rules.bans.deny));
    if !complaints.is_empty() {
        bail!("\n  {}", complaints.join("\n  "));
    }
    Ok(())
}

#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    wrappers: Vec<String>,
    reason: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

fn licence_complaints(metadata: &Metadata, allowed: &[String]) -> Vec<String> {
    let complaint = |package: &Package| {
        let said = package.license.as_deref().unwrap_or("nothing");
        (!is_allowed(said, allowed)).then(|| format!("{} {} is under {said}", package.name, package.version))
    };
    metadata.packages.iter().filter_map(complaint).collect()
}

fn owner_complaints(metadata: &Metadata, bans: &[Ban]) -> Vec<String> {
    let names: HashMap<&str, &str> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package.name.as_str())).collect();
    let mut complaints = Vec::new();
    for node in &metadata.resolve.nodes {
        let Some(dependent) = names.get(node.id.as_str()) else { continue };
        for dependency in node.dependencies.iter().filter_map(|id| names.get(id.as_str())) {
            let broken =
                bans.iter().find(|ban| ban.name == *dependency && !ban.wrappers.iter().any(|w| w == dependent));
            complaints.extend(broken.map(|ban| format!("{dependent} uses {dependency}: {}", ban.reason)));
        }
    }
    complaints
}

/// Whether an SPDX expression can be met with allowed licences: one side of each `OR` (or `/`), both of each `AND`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = text.split_whitespace().peekable();
    let met = any_of(&mut words, allowed);
    met && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut met = all_of(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all_of(words, allowed);
    }
    met
}

fn all_of(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &[String]) -> bool {
    match words.next() {
        Some("(") => {
            let met = any_of(words, allowed);
            words.next() == Some(")") && met
        }
        Some(name) => {
            let mut name = name.to_owned();
            if words.next_if_eq(&"WITH").is_some() {
                name = format!("{name} WITH {}", words.next().unwrap_or_default());
            }
            allowed.contains(&name)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_met_as_its_operators_say() {
        let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        for (expression, met) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0/MIT", true),
            ("GPL-3.0 AND MIT", false),
            ("ISC AND MIT", true),
            ("ISC AND (GPL-3.0 OR MIT)", true),
            ("(ISC AND GPL-3.0) OR GPL-3.0", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("", false),
            ("MIT MIT", false),
        ] {
            assert_eq!(is_allowed(expression, &allowed), met, "{expression:?}");
        }
    }

    #[test]
    fn a_dependency_used_by_another_than_its_owner_is_named() {
        let metadata: Metadata = serde_json::from_value(serde_json::json!({
            "packages": [
                {"id": "a", "name": "owner", "version": "1.0.0", "license": "MIT"},
                {"id": "b", "name": "other", "version": "1.0.0", "license": "MIT"},
                {"id": "c", "name": "heavy", "version": "1.0.0", "license": "MIT"},
            ],
            "resolve": {"nodes": [
                {"id": "a", "dependencies": ["c"]},
                {"id": "b", "dependencies": ["c"]},
                {"id": "c", "dependencies": []},
            ]},
        }))
        .unwrap();
        let ban =
            Ban { name: "heavy".to_owned(), wrappers: vec!["owner".to_owned()], reason: "it is heavy".to_owned() };
        assert_eq!(owner_complaints(&metadata, &[ban]), ["other uses heavy: it is heavy"]);
    }
}
