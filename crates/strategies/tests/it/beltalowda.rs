//! Beltalowda's order of steps.

use mcp_orchestrator_domain::{
    FailureClass, NOTHING_FOUND, Principal, RequestDraft, Role, Stage, StepKind, Submitted, Timestamp, WorkflowId,
    fork_at_head,
};
use mcp_orchestrator_strategies::Beltalowda;

use crate::play::{Play, SEED, draft, list, request};

fn play(agents: u64, group: u64) -> Play {
    let draft = RequestDraft { synthesis_group_size: Some(group), ..draft("beltalowda", agents) };
    Play::planned(Beltalowda::new(), request(draft))
}

fn found(play: &mut Play, belters: &[usize]) {
    for belter in belters {
        play.complete(&format!("belter_{belter}"), &format!("Finding {belter} [ev_00000{belter}]."));
    }
}

#[test]
fn the_plan_is_asked_for_first_and_kept_in_the_log() {
    let play = Play::new(Beltalowda::new(), request(draft("beltalowda", 8)));
    assert_eq!(play.open(), ["planner"]);
    let planner = play.spec("planner");
    assert!(planner.inline);
    assert_eq!((planner.role.clone(), planner.stage), (Role::Planner, Stage::Planning));
}

#[test]
fn belters_get_the_sub_tasks_the_tools_and_the_time_of_the_request() {
    let draft = RequestDraft { timeout_seconds: Some(42.0), ..draft("beltalowda", 3) };
    let mut play = Play::new(Beltalowda::new(), request(draft));
    play.complete("planner", "1. Leases\n2. Logs\n3. Replays\n");
    assert_eq!(play.open(), ["belter_0", "belter_1", "belter_2"]);
    let belter = play.spec("belter_1");
    assert_eq!((belter.task.as_str(), belter.stage, belter.time_limit_ms), ("Logs", Stage::Agents, 42_000));
    assert!(matches!(&belter.kind, StepKind::Agent { tools, turns_max: 6, .. } if tools.len() == 2));
}

#[test]
fn one_agent_researches_the_task_without_a_plan() {
    let play = play(1, 5);
    assert_eq!(play.open(), ["belter_0"]);
    assert_eq!(play.spec("belter_0").task, "How does a workflow survive a crash?");
}

#[test]
fn a_shorter_plan_means_fewer_belters_and_a_longer_one_is_cut() {
    for (items, belters) in [(2, 2), (3, 3), (12, 8)] {
        let mut play = Play::new(Beltalowda::new(), request(draft("beltalowda", 8)));
        play.complete("planner", &list(items));
        assert_eq!(play.open().len(), belters);
    }
}

#[test]
fn an_answer_without_a_plan_gives_the_task_and_angles_on_it() {
    let mut prose = Play::new(Beltalowda::new(), request(draft("beltalowda", 8)));
    prose.complete("planner", "I am happy to help with that.");
    let mut failed = Play::new(Beltalowda::new(), request(draft("beltalowda", 2)));
    failed.fail("planner", FailureClass::NoResult);
    assert_eq!(prose.open(), ["belter_0", "belter_1", "belter_2", "belter_3"]);
    assert_eq!(failed.open(), ["belter_0", "belter_1"]);
    assert_eq!(prose.spec("belter_0").task, "How does a workflow survive a crash?");
    assert_eq!(failed.spec("belter_1").task, "Facts, figures and dates about: How does a workflow survive a crash?");
}

#[test]
fn a_planner_that_every_call_would_follow_fails_the_workflow() {
    for class in [FailureClass::Auth, FailureClass::Budget, FailureClass::Deadline, FailureClass::QuotaExhausted] {
        let mut play = Play::new(Beltalowda::new(), request(draft("beltalowda", 8)));
        play.fail("planner", class);
        assert_eq!(play.failure().class, class);
    }
}

#[test]
fn a_drummer_starts_when_a_group_has_arrived_in_any_order() {
    let mut play = play(8, 3);
    found(&mut play, &[7, 2]);
    assert!(!play.open().iter().any(|step| step.starts_with("drummer")));
    found(&mut play, &[5]);
    assert_eq!(play.open(), ["belter_0", "belter_1", "belter_3", "belter_4", "belter_6", "drummer_0"]);
    assert_eq!(play.reads("drummer_0"), ["belter_2", "belter_5", "belter_7"]);
    found(&mut play, &[0, 6, 1]);
    assert_eq!(play.reads("drummer_1"), ["belter_0", "belter_1", "belter_6"]);
}

#[test]
fn two_left_over_make_a_group_and_one_goes_to_camina() {
    let mut two = play(8, 3);
    found(&mut two, &[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(two.reads("drummer_2"), ["belter_6", "belter_7"]);

    let mut one = play(7, 3);
    found(&mut one, &[6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(one.open(), ["drummer_0", "drummer_1"]);
    one.complete("drummer_1", "Merged.");
    one.complete("drummer_0", "Merged.");
    assert_eq!(one.reads("camina"), ["drummer_0", "drummer_1", "belter_0"]);
}

#[test]
fn camina_reads_belters_where_no_group_can_be_reached_or_drummers_are_off() {
    let mut few = play(4, 5);
    found(&mut few, &[3, 1, 0, 2]);
    assert_eq!(few.reads("camina"), ["belter_0", "belter_1", "belter_2", "belter_3"]);

    let draft = RequestDraft { enable_drummer: Some(false), ..draft("beltalowda", 8) };
    let mut off = Play::planned(Beltalowda::new(), request(draft));
    found(&mut off, &[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(off.reads("camina").len(), 8);
}

#[test]
fn failed_belters_are_gaps_and_the_rest_is_written() {
    let mut play = play(6, 3);
    play.fail("belter_4", FailureClass::Timeout);
    found(&mut play, &[0, 3, 5]);
    assert_eq!(play.reads("drummer_0"), ["belter_0", "belter_3", "belter_5"]);
    play.fail("belter_1", FailureClass::Server);
    found(&mut play, &[2]);
    play.complete("drummer_0", "Merged.");
    assert_eq!(play.reads("camina"), ["drummer_0", "belter_2"]);
    let prompt = play.prompt("camina");
    assert!(prompt.user.contains("Subject 5 in detail (belter_4: timeout)"), "{}", prompt.user);
    assert!(prompt.user.contains("Subject 2 in detail (belter_1: server)"), "{}", prompt.user);
    play.complete("camina", "Report.");
    play.check("citation_monitor", &[]);
    assert_eq!(play.report(), "citation_monitor");
}

#[test]
fn when_every_belter_failed_the_workflow_fails_with_the_reasons() {
    let mut play = play(3, 2);
    play.fail("belter_0", FailureClass::Auth);
    play.fail("belter_2", FailureClass::Auth);
    play.fail("belter_1", FailureClass::Timeout);
    assert_eq!(play.failure().class, FailureClass::NoResult);
    assert_eq!(
        play.failure().message,
        "all 3 agents failed: belter_0, belter_2 (auth: as scripted); belter_1 (timeout: as scripted)"
    );
}

#[test]
fn what_a_failed_drummer_should_have_merged_is_read_instead() {
    let mut play = play(6, 3);
    found(&mut play, &[0, 1, 2, 3, 4, 5]);
    play.fail("drummer_0", FailureClass::Server);
    play.complete("drummer_1", "Merged.");
    assert_eq!(play.reads("camina"), ["belter_0", "belter_1", "belter_2", "drummer_1"]);
}

#[test]
fn a_drummer_that_sees_nothing_in_findings_does_not_hide_them() {
    let mut play = play(3, 2);
    found(&mut play, &[0, 1, 2]);
    play.complete("drummer_0", NOTHING_FOUND);
    assert_eq!(play.reads("camina"), ["belter_0", "belter_1", "belter_2"]);
}

#[test]
fn without_camina_the_results_are_checked_as_they_are() {
    let draft = RequestDraft { enable_camina: Some(false), ..draft("beltalowda", 6) };
    let mut play = Play::planned(Beltalowda::new(), request(draft));
    found(&mut play, &[0, 1, 2, 3, 4, 5]);
    play.complete("drummer_0", "Merged.");
    assert_eq!(play.open(), ["citation_monitor"]);
    assert_eq!(play.reads("citation_monitor"), ["drummer_0", "belter_5"]);
    assert!(matches!(play.spec("citation_monitor").kind, StepKind::Check { repair: false, .. }));
    play.check("citation_monitor", &[]);
    assert_eq!(play.report(), "citation_monitor");
}

#[test]
fn when_camina_fails_what_she_should_have_read_is_checked() {
    let mut play = play(3, 5);
    found(&mut play, &[2, 0, 1]);
    play.fail("camina", FailureClass::Budget);
    assert_eq!(play.reads("citation_monitor"), ["belter_0", "belter_1", "belter_2"]);
}

#[test]
fn where_nothing_was_found_nobody_writes() {
    let mut play = play(3, 2);
    for belter in ["belter_1", "belter_0", "belter_2"] {
        play.complete(belter, NOTHING_FOUND);
    }
    assert_eq!(play.open(), ["citation_monitor"]);
    assert_eq!(play.reads("citation_monitor"), ["belter_0"]);
}

#[test]
fn belters_that_found_nothing_fill_no_group_and_are_named_to_camina() {
    let mut play = play(5, 2);
    play.complete("belter_0", &format!("  **{NOTHING_FOUND}**\n"));
    found(&mut play, &[1]);
    assert!(!play.open().contains(&"drummer_0"));
    found(&mut play, &[3, 2, 4]);
    play.complete("drummer_0", "Merged.");
    play.complete("drummer_1", "Merged.");
    assert_eq!(play.reads("camina"), ["drummer_0", "drummer_1", "belter_0"]);
    let user = play.prompt("camina").user;
    assert!(user.contains("Searched without finding anything") && user.contains("- Subject 1 in detail"), "{user}");
}

#[test]
fn a_continued_workflow_keeps_its_groups_when_a_reopened_belter_arrives() {
    let mut play = play(5, 2);
    found(&mut play, &[4, 1]);
    play.fail("belter_0", FailureClass::Network);
    found(&mut play, &[2, 3]);
    assert_eq!(play.reads("drummer_1"), ["belter_2", "belter_3"]);
    play.write(mcp_orchestrator_domain::Event::Cancelled(mcp_orchestrator_domain::Cancelled {}));

    let submitted = Submitted {
        request: play.workflow.request().as_ref().clone(),
        principal: Principal::local(),
        seed: SEED,
        strategy_version: 1,
        request_id: None,
    };
    let id = WorkflowId::from_random("test", [8; 16]).unwrap();
    let (workflow, log) = fork_at_head(&play.workflow, &play.log, id, submitted, Timestamp::from_millis(9)).unwrap();
    let mut on = Play::going_on(Beltalowda::new(), workflow, log);
    assert_eq!(on.open(), ["belter_0", "drummer_0", "drummer_1"]);
    found(&mut on, &[0]);
    on.complete("drummer_0", "Merged.");
    on.complete("drummer_1", "Merged.");
    assert_eq!(on.reads("camina"), ["drummer_0", "drummer_1", "belter_0"]);
}

/// Steps for each number of agents with groups of five when everything goes well. A row changes only with the version.
#[test]
fn the_number_of_steps_is_known_for_every_number_of_agents() {
    let mut table = String::from("agents planner belters drummers camina checks\n");
    for agents in 1..=20 {
        let mut play = play(agents, 5);
        while play.finish.is_none() {
            let step = play.open()[0].to_owned();
            match step.as_str() {
                "citation_monitor" => play.check(&step, &[]),
                _ => play.complete(&step, "Found [ev_0a0a0a]."),
            }
        }
        let counts = [
            play.count(|role| *role == Role::Planner),
            play.count(|role| *role == Role::Researcher),
            play.count(|role| *role == Role::Synthesizer),
            play.count(|role| *role == Role::Executive),
            play.count(|role| *role == Role::Monitor),
        ];
        let [planner, belters, drummers, camina, checks] = counts;
        table.push_str(&format!("{agents:>6} {planner:>7} {belters:>7} {drummers:>8} {camina:>6} {checks:>6}\n"));
    }
    insta::assert_snapshot!(table);
}
