//! Arrows point one way: who may depend on whom. A new edge is a new word in this table, seen in review.

use std::process::Command;

use serde_json::Value;

/// Each package and the packages of this workspace it may depend on, dev-dependencies aside. In the order of the layers.
const ALLOWED: &[(&str, &[&str])] = &[
    // pure
    ("domain", &[]),
    ("strategies", &["domain"]),
    // contracts and their adapters
    ("egress", &[]),
    ("providers", &["domain", "egress"]),
    ("tools", &["domain", "egress"]),
    ("documents", &["domain"]),
    ("store", &["domain"]),
    ("streaming", &["domain", "strategies", "store"]),
    ("webhooks", &["domain", "egress", "store", "streaming"]),
    // shell
    ("orchestrator", &["domain", "strategies", "providers", "tools", "documents", "store", "streaming"]),
    ("webhooks", &["domain", "egress", "store", "streaming"]),
    // edges
    ("api", &["domain", "documents", "webhooks", "orchestrator"]),
    ("transport-http", &["domain", "streaming", "webhooks", "orchestrator", "api"]),
    ("transport-mcp", &["domain", "orchestrator", "api"]),
    // assembly
    (
        "app",
        &["domain", "strategies", "egress", "providers", "tools", "documents", "store", "streaming", "orchestrator"],
    ),
    (
        "cli",
        &[
            "domain",
            "strategies",
            "egress",
            "providers",
            "tools",
            "documents",
            "store",
            "streaming",
            "orchestrator",
            "api",
            "app",
        ],
    ),
    (
        "server",
        &["domain", "egress", "store", "webhooks", "orchestrator", "api", "transport-http", "transport-mcp", "app"],
    ),
    // beside the product
    ("testkit", &["domain", "egress", "providers", "store", "orchestrator"]),
    ("xtask", &["domain", "documents", "egress", "providers", "orchestrator", "testkit"]),
    ("examples", &[]),
    ("benches", &[]),
    ("tests", &[]),
    ("conformance", &["webhooks", "orchestrator", "api", "transport-http", "transport-mcp"]),
    ("outside", &[]),
];

#[test]
fn no_package_depends_on_one_it_may_not_see() {
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for package in packages() {
        let name = folder(&package["name"]);
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("{name} has no row"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = folder(&dependency["name"]);
            if dependency["path"].is_string() && dependency["kind"] != "dev" && !allowed.contains(&on.as_str()) {
                wrong.push(format!("{name} depends on {on}"));
            }
        }
        seen.push(name);
    }
    wrong.extend(
        ALLOWED
            .iter()
            .filter(|(name, _)| !seen.iter().any(|seen| seen == name))
            .map(|(name, _)| format!("there is no {name}")),
    );
    assert_eq!(wrong, Vec::<String>::new());
}

/// What is possible outside is proved only by a package that sees what an outsider sees.
#[test]
fn the_outside_package_knows_nothing_but_the_library() {
    let packages = packages();
    let outside = packages.iter().find(|package| folder(&package["name"]) == "outside").unwrap();
    let dependencies = outside["dependencies"].as_array().unwrap().iter();
    let own: Vec<String> = dependencies.filter(|on| on["path"].is_string()).map(|on| folder(&on["name"])).collect();
    assert_eq!(own, ["orchestrator"]);
}

pub(crate) fn packages() -> Vec<Value> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// `mcp-orchestrator-store` is called `store`; `mcp-orchestrator` itself is in the folder `orchestrator`.
fn folder(name: &Value) -> String {
    let name = name.as_str().unwrap();
    name.strip_prefix("mcp-orchestrator-").unwrap_or_else(|| name.strip_prefix("mcp-").unwrap_or(name)).to_owned()
}
