//! Swarm's order of steps and its kinds of agents.

use mcp_orchestrator_domain::{AgentType, FailureClass, NOTHING_FOUND, RequestDraft, Role, StepKind};
use mcp_orchestrator_strategies::{Swarm, assign};

use crate::play::{Play, draft, request, tools};

fn play(agents: u64) -> Play {
    Play::planned(Swarm::new(), request(draft("swarm", agents)))
}

fn kinds(sub_tasks: &[&str], allowed: &[AgentType]) -> Vec<&'static str> {
    let sub_tasks: Vec<String> = sub_tasks.iter().map(|task| (*task).to_owned()).collect();
    assign(&sub_tasks, allowed).into_iter().map(AgentType::as_str).collect()
}

#[test]
fn words_give_a_search_its_kind() {
    let table = [
        ("Find photos of the launch", "image"),
        ("A picture of the cockpit on video", "image"),
        ("Video footage of the landing", "video"),
        ("The latest research on fusion", "news"),
        ("Studies on sleep", "academic"),
        ("Research papers", "academic"),
        ("What Reddit says", "social"),
        ("Prices and where to buy", "product"),
        ("The API and its documentation", "technical"),
        ("Which APIs exist", "technical"),
        ("Blog articles", "text"),
        ("How does it work", "general"),
        // Parts of words are no words.
        ("Rapid prototyping", "general"),
        ("Decode the imagery of newspapers", "general"),
        ("Contextual previews", "general"),
        // A planner may name the kind.
        ("technical: the latest release", "technical"),
        ("News: papers about Mars", "news"),
        ("Note: papers about Mars", "academic"),
    ];
    for (sub_task, kind) in table {
        assert_eq!(kinds(&[sub_task], &[]), [kind], "{sub_task}");
    }
}

#[test]
fn only_allowed_kinds_are_given() {
    use AgentType::{Academic, General, News, Text};
    assert_eq!(kinds(&["Latest papers"], &[Academic, General]), ["academic"]);
    assert_eq!(kinds(&["Latest news", "video: a film"], &[Academic, General]), ["general", "general"]);
    assert_eq!(
        kinds(&["One", "Two", "A paper", "Three"], &[Text, News, Academic]),
        ["text", "news", "academic", "academic"]
    );
}

#[test]
fn agents_have_the_tools_of_their_kind_and_the_turns_of_the_depth() {
    for (depth, turns) in [("quick", 2), ("standard", 4), ("deep", 6)] {
        let draft = RequestDraft { search_depth: Some(depth.to_owned()), ..draft("swarm", 3) };
        let mut request = request(draft);
        request.tools = tools(&["corpus_search", "news_search", "image_search"]);
        let mut play = Play::new(Swarm::new(), request);
        play.complete("planner", "1. news: Crashes\n2. Photos of crashes\n3. Logs\n");
        let given = |step: &str| match &play.spec(step).kind {
            StepKind::Agent { tools, turns_max, .. } => (tools.clone(), *turns_max),
            other => panic!("{other:?}"),
        };
        assert_eq!(given("swarm_0"), (tools(&["corpus_search", "news_search"]), turns));
        assert_eq!(given("swarm_1"), (tools(&["corpus_search", "image_search"]), turns));
        assert_eq!(given("swarm_2"), (tools(&["corpus_search"]), turns));
        assert_eq!(play.spec("swarm_0").role, Role::Searcher(AgentType::News));
    }
}

#[test]
fn a_table_of_kinds_goes_before_the_names_of_tools() {
    let mut request = request(draft("swarm", 3));
    request.tools = tools(&["corpus_search", "arxiv_search", "hacker_news_search"]);
    request.swarm.tools = [
        (AgentType::Academic, tools(&["arxiv_search"])),
        (AgentType::Technical, tools(&["hacker_news_search"])),
        (AgentType::Social, tools(&["hacker_news_search"])),
    ]
    .into();
    let mut play = Play::new(Swarm::new(), request);
    play.complete("planner", "1. academic: Crashes\n2. technical: Logs\n3. news: Outages\n");
    let given = |step: &str| match &play.spec(step).kind {
        StepKind::Agent { tools, .. } => tools.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(given("swarm_0"), tools(&["corpus_search", "arxiv_search"]));
    assert_eq!(given("swarm_1"), tools(&["corpus_search", "hacker_news_search"]));
    assert_eq!(given("swarm_2"), tools(&["corpus_search"]), "its name says news, its rows do not");
    assert!(!play.prompt("swarm_0").system.contains("None of your tools"));
    assert!(play.prompt("swarm_2").system.contains("None of your tools"));
}

#[test]
fn an_agent_without_a_tool_of_its_own_says_what_it_searched() {
    let mut play = Play::new(Swarm::new(), request(draft("swarm", 2)));
    play.complete("planner", "1. news: Crashes\n2. Logs\n");
    assert!(play.prompt("swarm_0").system.contains("None of your tools searches your kind of source alone"));
    assert!(!play.prompt("swarm_1").system.contains("None of your tools"));
}

#[test]
fn all_agents_are_waited_for_and_results_that_say_the_same_are_read_once() {
    let mut play = play(4);
    play.complete("swarm_3", "A worker that stops loses its lease after a while [ev_000001].");
    play.complete("swarm_1", "A worker that stops loses its lease after a while [ev_000001, ev_000002].");
    play.complete("swarm_0", "Logs are replayed from the first record on [ev_000003].");
    assert_eq!(play.open(), ["swarm_2"]);
    play.complete("swarm_2", NOTHING_FOUND);
    assert_eq!(play.reads("synthesis"), ["swarm_0", "swarm_1", "swarm_2"]);
    play.complete("synthesis", "Report [ev_000001].");
    play.check("citation_monitor", &[]);
    assert_eq!(play.report(), "citation_monitor");
}

#[test]
fn results_too_long_for_the_log_are_kept() {
    let mut play = play(4);
    let words = "Logs are replayed from the first record on [ev_000003].";
    play.complete_outside("swarm_0");
    play.complete("swarm_1", words);
    play.complete_outside("swarm_3");
    play.complete("swarm_2", words);
    assert_eq!(play.reads("synthesis"), ["swarm_0", "swarm_1", "swarm_3"]);
}

#[test]
fn a_failed_synthesis_leaves_the_results_as_sections() {
    let mut play = play(3);
    play.complete("swarm_0", "Logs are replayed [ev_000003].");
    play.fail("swarm_1", FailureClass::Tool);
    play.complete("swarm_2", "Leases end [ev_000004].");
    play.fail("synthesis", FailureClass::ContextLength);
    assert_eq!(play.reads("citation_monitor"), ["swarm_0", "swarm_2"]);
}

#[test]
fn nothing_found_needs_no_synthesis_and_all_failed_is_a_failure() {
    let mut empty = play(2);
    empty.complete("swarm_1", NOTHING_FOUND);
    empty.fail("swarm_0", FailureClass::Timeout);
    assert_eq!(empty.reads("citation_monitor"), ["swarm_1"]);

    let mut failed = play(2);
    failed.fail("swarm_1", FailureClass::Timeout);
    failed.fail("swarm_0", FailureClass::Timeout);
    assert_eq!(failed.failure().message, "all 2 agents failed: swarm_0, swarm_1 (timeout: as scripted)");
}

#[test]
fn one_agent_searches_for_the_query_itself() {
    let mut play = play(1);
    assert_eq!(play.open(), ["swarm_0"]);
    play.complete("swarm_0", "Logs are replayed [ev_000003].");
    assert_eq!(play.open(), ["synthesis"]);
}
