//! Settings and the choice of a provider, from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop right there")]

mod definition;
mod layers;
mod provider;
mod settings;

use std::{collections::BTreeMap, path::Path};

use mcp_orchestrator_app::{Folders, Settings, SettingsError, Sources};

/// Sources below a folder, with these variables.
fn sources(root: &Path, variables: &[(&str, &str)]) -> Sources {
    Sources { folders: Folders::below(root), file: None, environment: environment(variables), flags: Vec::new() }
}

fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Writes the person's settings file.
fn write(root: &Path, text: &str) {
    std::fs::create_dir_all(root.join("config")).unwrap();
    std::fs::write(root.join("config/config.toml"), text).unwrap();
}

/// Settings of a file and variables.
fn settings(root: &Path, file: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    write(root, file);
    Settings::load(&sources(root, variables))
}
