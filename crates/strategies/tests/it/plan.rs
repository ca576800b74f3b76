//! Which answers of a planner are a plan.

use mcp_orchestrator_strategies::{SUB_TASK_CHARS_MAX, angles, sub_tasks};
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(sub_tasks(text, 20), expected, "{text:?}");
}

#[test]
fn every_usual_spelling_of_a_list_is_read() {
    check("1. Leases\n2. Logs", &["Leases", "Logs"]);
    check("1) Leases\n2) Logs", &["Leases", "Logs"]);
    check("(1) Leases\n(2) Logs", &["Leases", "Logs"]);
    check("1: Leases\n2: Logs", &["Leases", "Logs"]);
    check("1 - Leases\n2 – Logs", &["Leases", "Logs"]);
    check("1 Leases\n2 Logs", &["Leases", "Logs"]);
    check("**1.** Leases\n**2. Logs**", &["Leases", "Logs"]);
    check("1. **Leases**: how long\n2. Logs", &["Leases: how long", "Logs"]);
    check("Sub-task 1: Leases\nSub-task 2: Logs", &["Leases", "Logs"]);
    check("### Step 1. Leases\n### Step 2. Logs", &["Leases", "Logs"]);
    check("- Leases\n* Logs\n• Replays", &["Leases", "Logs", "Replays"]);
    check("```\n1. Leases\n2. Logs\n```", &["Leases", "Logs"]);
    check(r#"["Leases", "Logs"]"#, &["Leases", "Logs"]);
    check("```json\n{\"subtasks\": [\"Leases\", \"Logs\"]}\n```", &["Leases", "Logs"]);
    check(r#"{"tasks": [{"task": "Leases"}, {"description": "Logs", "id": 2}, 3]}"#, &["Leases", "Logs"]);
    check(r#"Here it is: {"plan": ["Leases", "Logs"]} Good luck!"#, &["Leases", "Logs"]);
}

#[test]
fn what_surrounds_a_list_is_left_out() {
    check("Sure! Here is the plan:\n\n1. Leases\n   - how long\n2. Logs\n\nLet me know.", &["Leases", "Logs"]);
    check("1. Leases\r\n\r\n2. Logs\r\n", &["Leases", "Logs"]);
    check("1. Leases\n2.\n3. --\n4. Logs", &["Leases", "Logs"]);
}

#[test]
fn numbers_in_prose_are_no_markers() {
    check("1.5 million users were counted.\n10:30 is too late.\n2024 was a good year.\n3 sources agree.", &[]);
    check("There are 3-5 parts.\n3-5 of them matter.", &[]);
    check("I cannot help with that.", &[]);
    check("{\"subtasks\": \"none\"}", &[]);
    check("[[[", &[]);
    check("", &[]);
}

#[test]
fn the_same_sub_task_is_taken_once_and_the_rest_is_cut() {
    check("1. How long is a lease?\n2. how long is a LEASE\n3. Logs", &["How long is a lease?", "Logs"]);
    assert_eq!(sub_tasks("1. Leases\n2. Logs\n3. Replays", 2), ["Leases", "Logs"]);
    assert_eq!(sub_tasks(&format!("1. {}", "x".repeat(9_000)), 2)[0].chars().count(), SUB_TASK_CHARS_MAX);
}

#[test]
fn angles_differ_and_begin_with_the_task() {
    assert_eq!(angles("How?", 1), ["How?"]);
    assert_eq!(angles("How does it work?", 9).len(), 4);
    assert!(angles(&"ä".repeat(5_000), 4).iter().all(|angle| angle.chars().count() <= SUB_TASK_CHARS_MAX));
}

fn normalised(item: &str) -> String {
    item.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

proptest! {
    #[test]
    fn any_text_gives_at_most_so_many_different_sub_tasks(
        text in r#"([0-9]{0,4}[.):\-* \[\]{}"]{0,3}[a-zA-Zäß日 ,:"\[\]{}]{0,12}\n?){0,12}"#,
        count_max in 0_usize..6,
    ) {
        let tasks = sub_tasks(&text, count_max);
        prop_assert!(tasks.len() <= count_max);
        let mut seen: Vec<String> = tasks.iter().map(|task| normalised(task)).collect();
        prop_assert!(seen.iter().all(|task| task.chars().count() >= 3));
        seen.sort();
        seen.dedup();
        prop_assert_eq!(seen.len(), tasks.len());
        prop_assert!(tasks.iter().all(|task| !task.contains('\n') && task.trim() == task));
    }

    #[test]
    fn no_text_is_a_danger(text in any::<String>(), count_max in 0_usize..50) {
        prop_assert!(sub_tasks(&text, count_max).len() <= count_max);
    }
}
