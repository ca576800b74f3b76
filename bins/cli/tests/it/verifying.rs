//! `verify` needs the JSON and its evidence folder alone, and names everything that was altered.

use serde_json::Value;

use crate::setup::{Home, Ran, read};

/// Writes a report about the corpus and lets its JSON be altered before it is verified.
fn verified(alter: impl FnOnce(&Home, &mut Value)) -> Ran {
    verified_as(&["verify", "reports/report.json"], alter)
}

fn verified_as(verify: &[&str], alter: impl FnOnce(&Home, &mut Value)) -> Ran {
    let home = Home::with_docs();
    let asked = [
        "research",
        "How long does a commit take on a laptop?",
        "--corpus",
        "docs",
        "--title",
        "report",
        "--format",
        "json",
        "--quiet",
    ];
    home.run(&asked).ended(0);
    std::fs::remove_dir_all(home.path(".local")).unwrap();
    std::fs::remove_dir_all(home.path("docs")).unwrap();
    let path = home.path("reports/report.json");
    let mut report: Value = serde_json::from_str(&read(&path)).unwrap();
    alter(&home, &mut report);
    std::fs::write(&path, report.to_string()).unwrap();
    home.run(verify)
}

/// The first string anywhere below a value that holds a text.
fn find<'a>(value: &'a mut Value, text: &str) -> Option<&'a mut Value> {
    match value {
        Value::String(string) if string.contains(text) => Some(value),
        Value::Array(items) => items.iter_mut().find_map(|item| find(item, text)),
        Value::Object(fields) => fields.values_mut().find_map(|field| find(field, text)),
        _ => None,
    }
}

fn replace(value: &mut Value, from: &str, to: &str) {
    let string = find(value, from).expect("the text is in the report");
    *string = Value::String(string.as_str().unwrap().replace(from, to));
}

#[test]
fn an_untouched_report_holds() {
    let ran = verified(|_, _| {}).ended(0);
    assert!(ran.out.starts_with("verified: "), "{}", ran.out);
}

#[test]
fn an_altered_quote_is_named() {
    let mut id = String::new();
    let ran = verified(|_, report| {
        let span = &mut report["evidence"][0];
        id = span["id"].as_str().unwrap().to_owned();
        replace(&mut span["quote"], "laptop", "mainframe");
    });
    let ran = ran.ended(1);
    assert!(ran.out.contains(&id) && ran.out.contains("quote"), "{}", ran.out);
}

#[test]
fn an_altered_number_is_named() {
    let ran =
        verified(|_, report| replace(&mut report["report"]["blocks"], "3 milliseconds", "4 milliseconds")).ended(1);
    assert!(ran.out.contains("the number 4"), "{}", ran.out);
}

#[test]
fn an_altered_title_breaks_the_seal() {
    let ran = verified(|_, report| report["title"] = "Another".into()).ended(1);
    assert!(ran.out.contains("altered after it was written"), "{}", ran.out);
}

#[test]
fn programs_are_told_the_kind_and_the_sentence_of_each_problem() {
    let json = ["verify", "reports/report.json", "--json"];
    let ran = verified_as(&json, |_, _| {}).ended(0);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&told["holds"], &told["problems"]), (&Value::Bool(true), &Value::Array(Vec::new())));

    let alter =
        |_: &Home, report: &mut Value| replace(&mut report["report"]["blocks"], "3 milliseconds", "4 milliseconds");
    let ran = verified_as(&json, alter).ended(1);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told["holds"], false);
    let problems = told["problems"].as_array().unwrap();
    let kinds: Vec<&str> = problems.iter().filter_map(|problem| problem["kind"].as_str()).collect();
    assert!(kinds.contains(&"broken_seal") && kinds.contains(&"sentence"), "{kinds:?}");
    let sentence = problems.iter().find(|problem| problem["kind"] == "sentence").unwrap();
    assert!(
        sentence["sentence"].is_u64() && sentence["text"].as_str().unwrap().contains("4 milliseconds"),
        "{sentence}"
    );
}

#[test]
fn an_unknown_id_is_named() {
    let ran = verified(|_, report| {
        let id = report["evidence"][0]["id"].as_str().unwrap().to_owned();
        replace(&mut report["report"]["blocks"], &id, "ev_000000000000");
    });
    assert!(ran.ended(1).out.contains("ev_000000000000"));
}

#[test]
fn missing_and_altered_evidence_files_are_named() {
    let ran = verified(|home, _| {
        let name = home.names("reports/report.evidence").remove(0);
        std::fs::write(home.path("reports/report.evidence").join(name), "something else").unwrap();
    });
    assert!(ran.ended(1).out.contains("was altered"));
    let ran = verified(|home, _| std::fs::remove_dir_all(home.path("reports/report.evidence")).unwrap());
    assert!(ran.ended(1).out.contains("is missing"));
}

#[test]
fn what_is_no_report_is_refused() {
    let home = Home::new();
    home.write("other.json", "{\"schema\": 1}");
    let ran = home.run(&["verify", "other.json"]).ended(65);
    assert!(ran.err.contains("other.json"), "{}", ran.err);
    let ran = home.run(&["verify", "absent.json", "--json"]).ended(65);
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["error"]["code"], "bad_report");
}
