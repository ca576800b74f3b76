//! Beltalowda as people are told of it. Owns the words and where defaults are shown; the defaults are the request's.

use mcp_orchestrator_domain::{BeltalowdaOptions, Stage};
use serde_json::json;

use super::Beltalowda;
use crate::{Parameter, Pattern, PatternStage, Strategy};

pub(super) fn pattern(strategy: &Beltalowda) -> Pattern {
    let defaults = BeltalowdaOptions::default();
    let stage = |stage, description: &str| PatternStage { stage, description: description.to_owned() };
    let parameter = |name: &str, description: &str, default| Parameter {
        name: name.to_owned(),
        description: description.to_owned(),
        default,
    };
    Pattern {
        name: strategy.name().clone(),
        version: strategy.version(),
        display_name: "Beltalowda".to_owned(),
        description: "Hierarchical research: Belters research the parts of a task at once, Drummers merge groups of \
                      results as they arrive, Camina writes the report, and a monitor proves its citations."
            .to_owned(),
        use_cases: [
            "A question with several sides that one search does not answer",
            "A report over a folder of documents, with every statement cited",
            "Comparing what many sources say, contradictions included",
            "A survey where it matters what was not found",
        ]
        .map(str::to_owned)
        .into(),
        stages: vec![
            stage(Stage::Planning, "The task is broken into at most one sub-task for each agent"),
            stage(Stage::Agents, "Belters research their sub-tasks with the tools, all at once"),
            stage(Stage::Synthesis, "A Drummer merges each group of results as soon as it is complete; Camina writes"),
            stage(
                Stage::Checking,
                "The Citation Monitor proves every citation; what fails is repaired once or dropped",
            ),
        ],
        parameters: vec![
            parameter("num_agents", "Belters at most; 1 to 20 unless the operator allows more", json!(8)),
            parameter("enable_drummer", "Whether Drummers merge groups of results", json!(defaults.drummer)),
            parameter(
                "enable_camina",
                "Whether Camina writes the report; without her the results are its sections",
                json!(defaults.camina),
            ),
            parameter("synthesis_group_size", "Results a Drummer merges, 2 to 20", json!(defaults.group_size)),
        ],
        agent_types: Vec::new(),
    }
}
