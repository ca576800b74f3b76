//! `install`: every client is told of the server, in its own words, and nothing else in its file changes.

use std::path::PathBuf;

use serde_json::Value;

use crate::setup::{Home, Ran, read};

/// A machine on which the command and the server lie side by side.
struct Machine {
    home: Home,
}

impl Machine {
    fn new() -> Self {
        let home = Home::with_docs();
        home.write("bin/mcp-orchestrator-server", "#!/bin/sh\n");
        let own = home.path("bin/mcp-orchestrator");
        if std::fs::hard_link(env!("CARGO_BIN_EXE_mcp-orchestrator"), &own).is_err() {
            std::fs::copy(env!("CARGO_BIN_EXE_mcp-orchestrator"), &own).unwrap();
        }
        Self { home }
    }

    fn install(&self, arguments: &[&str]) -> Ran {
        let words: Vec<&str> = ["install"].iter().chain(arguments).copied().collect();
        Ran::from(self.home.command_of(&self.home.path("bin/mcp-orchestrator"), &words).output().unwrap())
    }

    fn server(&self) -> String {
        self.home.path("bin/mcp-orchestrator-server").display().to_string()
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_str(&read(&self.home.path(file))).unwrap()
    }
}

#[test]
fn every_client_is_told_in_its_own_file_and_words() {
    let machine = Machine::new();
    let stdio = |kind: Option<&str>| {
        let mut entry = serde_json::json!({ "command": machine.server(), "args": ["--stdio"] });
        if let Some(kind) = kind {
            entry["type"] = kind.into();
        }
        entry
    };
    let cases = [
        ("claude-code", "user", ".claude.json", "mcpServers", stdio(Some("stdio"))),
        ("claude-code", "project", ".mcp.json", "mcpServers", stdio(Some("stdio"))),
        ("cursor", "user", ".cursor/mcp.json", "mcpServers", stdio(None)),
        ("cursor", "project", ".cursor/mcp.json", "mcpServers", stdio(None)),
        ("vscode", "user", ".config/Code/User/mcp.json", "servers", stdio(Some("stdio"))),
        ("vscode", "project", ".vscode/mcp.json", "servers", stdio(Some("stdio"))),
        ("gemini-cli", "user", ".gemini/settings.json", "mcpServers", stdio(None)),
        ("gemini-cli", "project", ".gemini/settings.json", "mcpServers", stdio(None)),
    ];
    for (client, scope, file, table, entry) in cases {
        let machine_file = machine.home.path(file);
        let ran = machine.install(&[client, "--scope", scope]).ended(0);
        assert_eq!(machine.json(file)[table]["mcp-orchestrator"], entry, "{client}");
        assert!(ran.out.contains(file) && ran.out.contains("--stdio"), "{client}: {}", ran.out);
        let undo = format!("to undo: remove \"mcp-orchestrator\" from \"{table}\" in ");
        assert!(ran.out.contains(&undo), "{client}: {}", ran.out);
        let before = read(&machine_file);
        let again = machine.install(&[client, "--scope", scope]).ended(0);
        assert!(again.out.contains("nothing was changed"), "{client}: {}", again.out);
        assert_eq!(read(&machine_file), before);
        std::fs::remove_file(machine_file).unwrap();
    }
}

#[test]
fn codex_has_toml_whose_comments_and_order_stay() {
    let machine = Machine::new();
    let before =
        "# mine\nmodel = \"gpt\"   # the good one\n\n[mcp_servers.other]\ncommand = \"other\"\n\n[tui]\ntheme = 1\n";
    machine.home.write(".codex/config.toml", before);
    machine.install(&["codex"]).ended(0);
    let text = read(&machine.home.path(".codex/config.toml"));
    for piece in [
        "# mine\nmodel = \"gpt\"   # the good one\n",
        "[mcp_servers.other]\ncommand = \"other\"\n",
        "[tui]\ntheme = 1\n",
    ] {
        assert!(text.contains(piece), "{piece:?} in\n{text}");
    }
    let entry = format!("[mcp_servers.mcp-orchestrator]\ncommand = \"{}\"\nargs = [\"--stdio\"]\n", machine.server());
    assert!(text.contains(&entry), "{text}");
    assert!(machine.install(&["codex"]).ended(0).out.contains("nothing was changed"));

    // What a person added to the entry stays; how to reach the server is replaced.
    machine.home.write(
        ".codex/config.toml",
        &text.replace("args = [\"--stdio\"]\n", "args = [\"--stdio\"]\ntool_timeout_sec = 300\n"),
    );
    machine.install(&["codex", "--url", "http://127.0.0.1:5060/mcp"]).ended(0);
    let text = read(&machine.home.path(".codex/config.toml"));
    assert!(text.contains("url = \"http://127.0.0.1:5060/mcp\"") && text.contains("tool_timeout_sec = 300"), "{text}");
    assert!(!text.contains("--stdio") && text.contains("[mcp_servers.other]"), "{text}");

    machine.install(&["codex", "--scope", "project"]).ended(0);
    assert!(read(&machine.home.path(".codex/config.toml")).contains("--stdio"));
}

#[test]
fn all_else_in_a_json_file_stays_byte_for_byte() {
    let machine = Machine::new();
    let (head, tail) = (
        "{\r\n\t\"z\": 1,\r\n\t\"mcpServers\": {\r\n\t\t\"b\": {\"command\":\"b\"},\r\n\t\t\"a\": {}",
        "\r\n\t},\r\n\t\"a\": [ 1,2 ]\r\n}",
    );
    machine.home.write(".claude.json", &format!("{head}{tail}"));
    machine.install(&["claude-code"]).ended(0);
    let text = read(&machine.home.path(".claude.json"));
    let added = text.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail)).unwrap_or_else(|| panic!("{text}"));
    assert!(added.starts_with(",\r\n\t\t\"mcp-orchestrator\": {\r\n\t\t\t\"type\": \"stdio\""), "{added:?}");
    assert_eq!(machine.json(".claude.json")["mcpServers"]["b"]["command"], "b");

    // A file without servers, and one on a single line.
    for (before, head) in [
        ("{\n    \"a\": 1\n}\n", "{\n    \"a\": 1,\n    \"mcpServers\": {\n        \"mcp-orch"),
        ("{}", "{\n  \"mcpServers\": {\n    \"mcp-orch"),
    ] {
        machine.home.write(".claude.json", before);
        machine.install(&["claude-code"]).ended(0);
        let text = read(&machine.home.path(".claude.json"));
        assert!(text.starts_with(head), "{text}");
        assert_eq!(machine.json(".claude.json")["mcpServers"]["mcp-orchestrator"]["args"][0], "--stdio");
    }
    machine.home.write(".claude.json", r#"{"mcpServers":{"x":{"command":"}\"{"}},"n":null}"#);
    machine.install(&["claude-code"]).ended(0);
    let json = machine.json(".claude.json");
    assert_eq!((&json["mcpServers"]["x"]["command"], &json["n"]), (&"}\"{".into(), &Value::Null));
    assert_eq!(json["mcpServers"]["mcp-orchestrator"]["type"], "stdio");
}

#[test]
fn comments_and_trailing_commas_stay_where_a_client_allows_them() {
    let machine = Machine::new();
    let before = "// mine, all of it\n{\n  \"servers\": {\n    /* one, two */ \"a\": { \"command\": \"a\" }, // the last, so far\n  },\n}\n";
    machine.home.write(".vscode/mcp.json", before);
    machine.install(&["vscode", "--scope", "project"]).ended(0);
    let text = read(&machine.home.path(".vscode/mcp.json"));
    let expected =
        "\"a\": { \"command\": \"a\" }, // the last, so far\n    \"mcp-orchestrator\": {\n      \"type\": \"stdio\",";
    assert!(text.contains(expected) && text.starts_with("// mine, all of it\n"), "{text}");
    assert!(machine.install(&["vscode", "--scope", "project"]).ended(0).out.contains("nothing was changed"), "{text}");
    let refused = machine.home.path(".claude.json");
    machine.home.write(".claude.json", before);
    let ran = machine.install(&["claude-code"]).ended(65);
    assert!(ran.err.contains(".claude.json cannot be read and is left as it is"), "{}", ran.err);
    assert_eq!(read(&refused), before);
}

#[test]
fn an_older_entry_keeps_what_was_added_to_it() {
    let machine = Machine::new();
    machine.home.write(
        ".cursor/mcp.json",
        r#"{"mcpServers": {"mcp-orchestrator": {"command": "/old/server", "env": {"XAI_API_KEY": "k"}, "args": []}, "b": {}}}"#,
    );
    machine.install(&["cursor", "--url", "http://127.0.0.1:5060/mcp/"]).ended(0);
    let servers = &machine.json(".cursor/mcp.json")["mcpServers"];
    let expected = serde_json::json!({ "env": { "XAI_API_KEY": "k" }, "url": "http://127.0.0.1:5060/mcp" });
    assert_eq!(servers["mcp-orchestrator"], expected);
    assert_eq!(servers["b"], serde_json::json!({}));
}

#[test]
fn a_file_that_cannot_be_read_is_never_overwritten() {
    let cases = [
        ("claude-code", ".claude.json", "{\"mcpServers\": {", "EOF"),
        ("claude-code", ".claude.json", "[]", "holds no object"),
        ("claude-code", ".claude.json", "{\"mcpServers\": []}", "\"mcpServers\" holds no object"),
        ("cursor", ".cursor/mcp.json", "// only this\n", "nothing but comments"),
        ("codex", ".codex/config.toml", "a = \n", "line 1"),
        ("codex", ".codex/config.toml", "mcp_servers = 1\n", "mcp_servers is no table"),
    ];
    for (client, file, before, says) in cases {
        let machine = Machine::new();
        machine.home.write(file, before);
        let ran = machine.install(&[client]).ended(65);
        assert!(ran.err.contains("is left as it is") && ran.err.contains(says), "{client}: {}", ran.err);
        assert_eq!((ran.out.as_str(), read(&machine.home.path(file)).as_str()), ("", before));
        let folder = PathBuf::from(file);
        let folder = folder.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
        assert!(!machine.home.names(&folder).iter().any(|name| name.ends_with(".new")));
    }
}

#[cfg(unix)]
#[test]
fn rights_and_links_of_a_file_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new();
    machine.home.write("dotfiles/claude.json", "{}");
    let real = machine.home.path("dotfiles/claude.json");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&real, machine.home.path(".claude.json")).unwrap();
    machine.install(&["claude-code"]).ended(0);
    assert!(std::fs::symlink_metadata(machine.home.path(".claude.json")).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(read(&real).contains("mcp-orchestrator"));
    assert_eq!(machine.home.names("dotfiles"), ["claude.json"]);
}

#[test]
fn corpora_and_the_store_are_passed_on_with_whole_paths() {
    let machine = Machine::new();
    machine.install(&["claude-code", "--corpus", "docs=docs", "--store", "sqlite:mine.db", "--name", "notes"]).ended(0);
    let docs = format!("docs={}", machine.home.path("docs").display());
    let store = format!("sqlite:{}", machine.home.path("mine.db").display());
    let args = &machine.json(".claude.json")["mcpServers"]["notes"]["args"];
    assert_eq!(*args, serde_json::json!(["--stdio", "--corpus", docs, "--store", store]));
}

#[test]
fn printing_writes_nothing_and_goose_and_unknown_places_are_printed() {
    let machine = Machine::new();
    let ran = machine.install(&["claude-code", "--print"]).ended(0);
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(printed["mcpServers"]["mcp-orchestrator"]["command"], machine.server());
    assert!(ran.err.contains("this belongs into") && !machine.home.path(".claude.json").exists(), "{}", ran.err);

    let goose = machine.install(&["goose"]).ended(0);
    let expected = format!(
        "extensions:\n  mcp-orchestrator:\n    name: mcp-orchestrator\n    type: stdio\n    cmd: \"{}\"\n    args: [\"--stdio\"]\n    \
         enabled: true\n    envs: {{}}\n    timeout: 300\n",
        machine.server()
    );
    assert_eq!(goose.out, expected);
    assert!(goose.err.contains(".config/goose/config.yaml"), "{}", goose.err);
    let http = machine.install(&["goose", "--url", "http://127.0.0.1:5060/mcp"]).ended(0);
    assert!(http.out.contains("type: streamable_http\n    uri: \"http://127.0.0.1:5060/mcp\""), "{}", http.out);
    assert!(!machine.home.path(".config/goose").exists());

    if cfg!(target_os = "linux") {
        let desktop = machine.install(&["claude-desktop"]).ended(0);
        assert!(desktop.out.contains("\"mcpServers\"") && desktop.err.contains("Claude Desktop"), "{desktop:?}");
    }
}

#[test]
fn an_address_is_told_in_each_clients_words() {
    let machine = Machine::new();
    let url = "http://127.0.0.1:5060/mcp";
    for (client, table, entry) in [
        ("claude-code", "mcpServers", serde_json::json!({ "type": "http", "url": url })),
        ("cursor", "mcpServers", serde_json::json!({ "url": url })),
        ("vscode", "servers", serde_json::json!({ "type": "http", "url": url })),
        ("gemini-cli", "mcpServers", serde_json::json!({ "httpUrl": url })),
    ] {
        let ran = machine.install(&[client, "--print", "--url", url]).ended(0);
        let printed: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(printed[table]["mcp-orchestrator"], entry, "{client}");
    }
}

#[test]
fn cursor_and_vs_code_have_links_too() {
    let machine = Machine::new();
    let url = "http://127.0.0.1:5060/mcp";
    let cursor = machine.install(&["cursor", "--print", "--json", "--url", url]).ended(0).json_lines();
    let link = cursor[0]["link"].as_str().unwrap();
    let config = "eyJ1cmwiOiJodHRwOi8vMTI3LjAuMC4xOjUwNjAvbWNwIn0%3D";
    assert_eq!(link, format!("cursor://anysphere.cursor-deeplink/mcp/install?name=mcp-orchestrator&config={config}"));
    let code = machine.install(&["vscode", "--print", "--url", url]).ended(0);
    let config = "%7B%22name%22%3A%22mcp-orchestrator%22%2C%22type%22%3A%22http%22%2C%22url%22%3A%22http%3A%2F%2F127.0.0.1%3A5060%2Fmcp%22%7D";
    assert!(code.err.contains(&format!("vscode:mcp/install?{config}")), "{}", code.err);
}

#[test]
fn what_cannot_be_installed_is_refused_by_name() {
    let machine = Machine::new();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["emacs"], 65, "no client is named \"emacs\"; there are claude-code, claude-desktop, codex"),
        (&["goose", "--scope", "project"], 65, "goose has one file for all projects"),
        (&["claude-desktop", "--url", "http://127.0.0.1:5060/mcp"], 65, "Claude Desktop takes no address"),
        (&["cursor", "--url", "http://127.0.0.1:5060"], 65, "ends with /mcp"),
        (&["cursor", "--url", "http://me:s3cret@host/mcp"], 65, "password"),
        (&["cursor", "--corpus", "docs"], 65, "expected NAME=DIR"),
        (&["cursor", "--corpus", "docs=absent"], 65, "absent is no folder"),
        (&["cursor", "--store", "redis://me:s3cret@host/0"], 65, "holds a password"),
        (&["cursor", "--name", "a b"], 65, "--name is \"a b\""),
    ];
    for (arguments, code, says) in cases {
        let ran = machine.install(arguments).ended(code);
        assert!(ran.err.contains(says) && !ran.err.contains("s3cret"), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "");
    }
    std::fs::remove_file(machine.home.path("bin/mcp-orchestrator-server")).unwrap();
    let ran = machine.install(&["cursor"]).ended(78);
    assert!(ran.err.contains("neither beside this command nor on PATH"), "{}", ran.err);
    let elsewhere = machine.home.path("elsewhere");
    machine.home.write("elsewhere/mcp-orchestrator-server", "");
    let words = ["install", "cursor", "--print"];
    let mut command = machine.home.command_of(&machine.home.path("bin/mcp-orchestrator"), &words);
    let found = Ran::from(command.env("PATH", &elsewhere).output().unwrap()).ended(0);
    assert!(found.out.contains(&elsewhere.display().to_string()), "{}", found.out);
}
