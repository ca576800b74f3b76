//! Definitions: what holds is parsed, what does not names its field and its step.

use std::collections::BTreeSet;

use mcp_orchestrator_domain::{
    Condition, ConditionDraft, Definition, Flow, Limits, Request, RequestDraft, StepDraft, Success, SuccessDraft, Work,
};
use proptest::prelude::*;
use serde_json::json;

const TASK: &str = "How does a workflow survive a crash?";

fn parse(draft: RequestDraft) -> Result<Request, Vec<String>> {
    draft
        .parse(&Limits::default())
        .map_err(|invalid| invalid.errors.iter().map(|error| format!("{}: {}", error.field, error.detail)).collect())
}

fn definition(draft: RequestDraft) -> Definition {
    parse(draft).unwrap().definition.unwrap()
}

fn refused(draft: RequestDraft) -> Vec<String> {
    parse(draft).expect_err("it is refused")
}

fn agent(id: &str) -> StepDraft {
    StepDraft::agent(id, format!("Do {id}"))
}

#[test]
fn a_definition_is_the_same_from_toml_json_and_code() {
    let json = json!({
        "pattern": "custom",
        "task": TASK,
        "steps": [
            { "id": "search", "tool": "corpus_search", "arguments": { "query": "crash" } },
            { "id": "approve", "question": "Go on?" },
            { "id": "write", "task": "Write", "needs": ["search", "approve"], "tools": [] },
        ],
    });
    let read: RequestDraft = serde_json::from_value(json).unwrap();
    let built = RequestDraft::custom(TASK)
        .with_step(StepDraft::tool("search", "corpus_search").with_argument("query", "crash"))
        .with_step(StepDraft::ask("approve", "Go on?"))
        .with_step(StepDraft::agent("write", "Write").with_needs(["search", "approve"]).with_tools([""; 0]));
    assert_eq!(read, built);
    let definition = definition(built);
    let kinds: Vec<bool> = definition.steps().map(|step| matches!(step.work, Work::Agent(_))).collect();
    assert_eq!(kinds, [false, false, true]);
    assert_eq!(definition.tools().len(), 1);
}

#[test]
fn a_parsed_request_is_read_back_from_its_log() {
    let draft = RequestDraft::iterative(TASK, SuccessDraft::at_least("review", "/score", 8.0))
        .with_step(agent("draft"))
        .with_step(agent("review").with_schema(json!({ "type": "object" })));
    let request = parse(draft).unwrap();
    let json = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&json).unwrap(), request);
    assert_eq!(request.agents, 6, "two steps of three passes");
    assert_eq!(request.title, TASK);
}

#[test]
fn each_broken_rule_of_a_definition_names_its_field_and_step() {
    let sequential = || RequestDraft::sequential(TASK);
    let cases: Vec<(&str, RequestDraft)> = vec![
        ("steps: is empty, expected at least one step", sequential()),
        ("steps: has a step without an id", sequential().with_step(StepDraft::default())),
        (
            "steps: id \"a-b\" is not 1 to 48 of a-z 0-9 _ that start with a letter",
            sequential().with_step(agent("a-b")),
        ),
        (
            "steps: id \"editor\" is the name of a step that the pattern adds itself",
            sequential().with_step(agent("editor")),
        ),
        ("steps: id \"a\" is there twice", sequential().with_step(agent("a")).with_step(agent("a"))),
        (
            "steps: step a: task has 0 characters, expected 1 to 5000",
            sequential().with_step(StepDraft::agent("a", " ")),
        ),
        (
            "steps: step a of kind ask has no `tools`",
            sequential().with_step(StepDraft::ask("a", "Well?").with_tools(["corpus_search"])),
        ),
        (
            "steps: step a: kind is \"agnet\", expected agent, tool or ask",
            sequential().with_step(StepDraft { kind: Some("agnet".into()), ..agent("a") }),
        ),
        (
            "steps: step \"b\" has `needs`, which are for the custom pattern",
            sequential().with_step(agent("a")).with_step(agent("b").with_needs(["a"])),
        ),
        (
            "steps: step a: arguments: from is \"later\", which is no step that is done by then; there are none",
            sequential()
                .with_step(StepDraft::tool("a", "t").with_argument_from("x", "later", ""))
                .with_step(agent("later")),
        ),
        (
            "steps: step a: timeout_seconds is 0, expected more than 0 and at most 3600",
            sequential().with_step(StepDraft { timeout_seconds: Some(0.0), ..agent("a") }),
        ),
        (
            "steps: step a: turns is 99, expected 1 to 50",
            sequential().with_step(StepDraft { turns: Some(99), ..agent("a") }),
        ),
        (
            "steps: step a: schema is no JSON object of at most 16384 bytes",
            sequential().with_step(agent("a").with_schema(json!(7))),
        ),
        (
            "report: names \"z\", and there is no such step",
            RequestDraft { report: vec!["z".into()], ..sequential().with_step(agent("a")) },
        ),
        (
            "num_agents: is no setting of the pattern sequential: its steps are its agents",
            RequestDraft { num_agents: Some(3), ..sequential().with_step(agent("a")) },
        ),
        (
            "steps: is no setting of the pattern beltalowda",
            RequestDraft { pattern: Some("research".into()), ..sequential().with_step(agent("a")) },
        ),
        (
            "success: is no setting of the pattern sequential",
            RequestDraft { success: Some(SuccessDraft::judge("Good?")), ..sequential().with_step(agent("a")) },
        ),
    ];
    for (message, draft) in cases {
        assert_eq!(refused(draft), [message]);
    }
}

#[test]
fn needs_form_no_cycle_and_name_steps_that_are_there() {
    let custom = |steps: &[(&str, &[&str])]| {
        let with = |draft: RequestDraft, (id, needs): &(&str, &[&str])| {
            draft.with_step(agent(id).with_needs(needs.iter().copied()))
        };
        steps.iter().fold(RequestDraft::custom(TASK), with)
    };
    assert_eq!(refused(custom(&[("a", &["a"])])), ["steps: step \"a\" needs itself"]);
    assert_eq!(refused(custom(&[("a", &["z"])])), ["steps: step \"a\" needs \"z\", and there is no such step"]);
    assert_eq!(
        refused(custom(&[("a", &["c"]), ("b", &["a"]), ("c", &["b"]), ("d", &[])])),
        ["steps: form a cycle: a needs c needs b needs a"]
    );
    let definition = definition(custom(&[("last", &["first", "first"]), ("first", &[])]));
    let needs: Vec<usize> = definition.steps().map(|step| step.needs.len()).collect();
    assert_eq!(needs, [1, 0], "order does not matter, and a need counts once");
}

#[test]
fn a_condition_chooses_in_one_way_among_branches_that_are_there() {
    let with = |condition: ConditionDraft| {
        RequestDraft::conditional(TASK, condition)
            .with_step(StepDraft::ask("kind", "Which?"))
            .with_branch("long", [agent("thorough")])
            .with_branch("short", [agent("brief")])
    };
    let flow = |draft| definition(draft).flow;
    assert!(matches!(
        flow(with(ConditionDraft::pointer("kind", "/a"))),
        Flow::Conditional { condition: Condition::Pointer(_), .. }
    ));
    let Flow::Conditional { condition: Condition::Agent(work), .. } = flow(with(ConditionDraft::agent("Which?")))
    else {
        panic!("no agent")
    };
    assert_eq!(work.tools, Some(Vec::new()), "who decides reads what is there");
    let cases = [
        (with(ConditionDraft::default()), "condition: is not exactly one of"),
        (
            with(ConditionDraft { task: Some("x".into()), ..ConditionDraft::value("long") }),
            "condition: is not exactly one of",
        ),
        (with(ConditionDraft::value("huge")), "condition: is \"huge\", expected one of long, short"),
        (with(ConditionDraft::pointer("thorough", "")), "condition: from is \"thorough\""),
        (with(ConditionDraft::pointer("kind", "a")), "condition: pointer \"a\" is no JSON pointer"),
        (
            RequestDraft { default_branch: Some("huge".into()), ..with(ConditionDraft::value("long")) },
            "default_branch: is \"huge\", expected one of long, short",
        ),
        (with(ConditionDraft::value("long")).with_branch("empty", []), "branches: branch \"empty\" has no steps"),
        (
            with(ConditionDraft::value("long")).with_branch("twice", [agent("brief")]),
            "branches: id \"brief\" is there twice",
        ),
        (RequestDraft { condition: None, ..with(ConditionDraft::default()) }, "condition: is missing"),
    ];
    for (draft, message) in cases {
        let errors = refused(draft);
        assert!(errors.len() == 1 && errors[0].starts_with(message), "{errors:?}");
    }
    let other = RequestDraft { default_branch: Some("short".into()), ..with(ConditionDraft::value("huge")) };
    assert!(parse(other).is_ok(), "what names no branch takes the default");
}

#[test]
fn passes_end_by_exactly_one_test() {
    let with = |success: SuccessDraft| RequestDraft::iterative(TASK, success).with_step(agent("draft"));
    let flow = |draft| definition(draft).flow;
    let success = |success| match flow(with(success)) {
        Flow::Iterative { success, .. } => success,
        other => panic!("{other:?}"),
    };
    assert!(matches!(success(SuccessDraft::contains("draft", "done")), Success::Rule(_)));
    assert!(matches!(success(SuccessDraft::judge("Is it complete?")), Success::Judge(_)));
    let arguments = serde_json::Map::from_iter([("text".to_owned(), json!({ "from": "draft" }))]);
    assert!(matches!(success(SuccessDraft::predicate("is_good", arguments)), Success::Predicate(_)));
    let both = SuccessDraft { task: Some("x".into()), ..SuccessDraft::contains("draft", "done") };
    let two = SuccessDraft { at_least: Some(1.0), ..SuccessDraft::contains("draft", "done") };
    let cases = [
        (with(SuccessDraft::default()), "success: is not exactly one of"),
        (with(both), "success: is not exactly one of"),
        (with(two), "success: is not exactly one of"),
        (with(SuccessDraft::at_least("draft", "", f64::NAN)), "success: is a rule that expects nothing"),
        (with(SuccessDraft::contains("other", "x")), "success: from is \"other\""),
        (RequestDraft { success: None, ..with(SuccessDraft::default()) }, "success: is missing"),
        (
            RequestDraft { max_iterations: Some(21), ..with(SuccessDraft::judge("Good?")) },
            "max_iterations: is 21, expected 1 to 20",
        ),
        (
            RequestDraft { on_exhausted: Some("stop".into()), ..with(SuccessDraft::judge("Good?")) },
            "on_exhausted: is \"stop\", expected report or fail",
        ),
    ];
    for (draft, message) in cases {
        let errors = refused(draft);
        assert!(errors.len() == 1 && errors[0].starts_with(message), "{errors:?}");
    }
}

#[test]
fn definitions_are_bounded() {
    let many = (0..=Definition::STEPS_MAX)
        .fold(RequestDraft::custom(TASK), |draft, n| draft.with_step(agent(&format!("s{n}"))));
    assert_eq!(refused(many), ["steps: has 101 steps, expected at most 100"]);
    let passes = (0..60).fold(RequestDraft::iterative(TASK, SuccessDraft::contains("s0", "x")), |draft, n| {
        draft.with_step(agent(&format!("s{n}")))
    });
    let passes = RequestDraft { max_iterations: Some(20), ..passes };
    assert_eq!(refused(passes), ["max_iterations: makes 1200 steps of all passes, expected at most 500"]);
}

#[test]
fn unknown_fields_of_steps_are_refused() {
    let json = json!({ "pattern": "sequential", "task": TASK, "steps": [{ "id": "a", "tasks": "x" }] });
    let error = serde_json::from_value::<RequestDraft>(json).unwrap_err().to_string();
    assert!(error.contains("tasks"), "{error}");
}

proptest! {
    /// Any graph is parsed, or refused because of a cycle that is really there.
    #[test]
    fn any_graph_is_parsed_or_its_cycle_is_named(edges in proptest::collection::vec((0_usize..12, 0_usize..12), 0..30)) {
        let needs = |id: usize| edges.iter().filter(move |(from, to)| *from == id && to != from).map(|(_, to)| *to);
        let step = |id: usize| agent(&format!("s{id}")).with_needs(needs(id).map(|to| format!("s{to}")));
        let draft = (0..12).fold(RequestDraft::custom(TASK), |draft, id| draft.with_step(step(id)));
        match parse(draft) {
            Ok(request) => {
                let definition = request.definition.unwrap();
                let mut done = BTreeSet::new();
                while done.len() < 12 {
                    let before = done.len();
                    let ready = |step: &&mcp_orchestrator_domain::DefinedStep| step.needs.iter().all(|need| done.contains(need));
                    let ready: Vec<_> = definition.steps().filter(ready).map(|step| step.id.clone()).collect();
                    done.extend(ready);
                    prop_assert!(done.len() > before, "nothing can run");
                }
            }
            Err(errors) => {
                prop_assert_eq!(errors.len(), 1);
                let cycle = errors[0].strip_prefix("steps: form a cycle: ").unwrap();
                let path: Vec<usize> = cycle.split(" needs ").map(|id| id[1..].parse().unwrap()).collect();
                prop_assert!(path.len() > 2 && path.first() == path.last());
                for pair in path.windows(2) {
                    prop_assert!(needs(pair[0]).any(|to| to == pair[1]), "{} is no edge of {}", pair[1], cycle);
                }
            }
        }
    }

    #[test]
    fn any_text_in_a_step_is_parsed_or_refused(id in ".{0,20}", task in ".{0,60}", from in ".{0,10}", pointer in ".{0,10}") {
        let draft = RequestDraft::sequential(TASK)
            .with_step(StepDraft::agent(id, task))
            .with_step(StepDraft::tool("t", "tool").with_argument_from("x", from, &pointer));
        if let Ok(request) = parse(draft) {
            let definition = request.definition.unwrap();
            prop_assert!(definition.steps().all(|step| !step.title().chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'))));
        }
    }
}
