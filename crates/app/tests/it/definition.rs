//! Requests from files: both formats, and what is said of bad ones.

use mcp_orchestrator_app::{DefinitionError, read_definition};

fn read(name: &str, text: &str) -> Result<mcp_orchestrator_domain::RequestDraft, (DefinitionError, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    read_definition(&path).map_err(|error| {
        let told = error.to_string().replace(&folder.path().display().to_string(), "");
        (error, told)
    })
}

#[test]
fn toml_and_json_say_the_same() {
    let toml =
        "pattern = 'custom'\ntask = 'Long enough a task'\n[[steps]]\nid = 'a'\ntool = 't'\narguments = { n = 3 }\n";
    let json =
        r#"{"pattern":"custom","task":"Long enough a task","steps":[{"id":"a","tool":"t","arguments":{"n":3}}]}"#;
    assert_eq!(read("a.toml", toml).unwrap(), read("a.json", json).unwrap());
}

#[test]
fn a_bad_file_is_told_by_line_or_by_field() {
    let cases = [
        ("a.toml", "pattern = 'custom'\ntask = \n", "/a.toml is not TOML: line 2: "),
        ("a.json", "{\n  \"pattern\": }", "/a.json is not JSON: line 2: expected value"),
        ("a.toml", "[[steps]]\nid = 'a'\ntasks = 'x'\n", "/a.toml: steps[0].tasks: unknown field `tasks`"),
        ("a.json", r#"{"steps":[{"id":7}]}"#, "/a.json: steps[0].id: invalid type: integer `7`, expected a string"),
    ];
    for (name, text, expected) in cases {
        let (error, told) = read(name, text).unwrap_err();
        assert!(told.starts_with(expected), "{told}");
        assert_eq!(matches!(error, DefinitionError::Syntax { .. }), told.contains("line"), "{told}");
    }
    let missing = read_definition(std::path::Path::new("/no/such/file.toml")).unwrap_err();
    assert!(matches!(missing, DefinitionError::Unreadable { .. }));
}
