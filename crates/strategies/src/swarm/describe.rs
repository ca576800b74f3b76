//! Swarm as people are told of it. Owns the words and where defaults are shown; the defaults are the request's.

use mcp_orchestrator_domain::{AgentType, Stage};
use serde_json::json;

use super::{Swarm, types::agent_type_info};
use crate::{Parameter, Pattern, PatternStage, Strategy};

pub(super) fn pattern(strategy: &Swarm) -> Pattern {
    let stage = |stage, description: &str| PatternStage { stage, description: description.to_owned() };
    let parameter = |name: &str, description: &str, default| Parameter {
        name: name.to_owned(),
        description: description.to_owned(),
        default,
    };
    Pattern {
        name: strategy.name().clone(),
        version: strategy.version(),
        display_name: "Swarm".to_owned(),
        description:
            "Search by specialists: agents of nine kinds search at once with the tools of their kind, results \
                      that say the same are merged, and one report is written and its citations proved."
                .to_owned(),
        use_cases: [
            "A broad search over many kinds of sources",
            "A quick answer from a folder of documents",
            "Looking at one subject as news, papers, products and discussions at once",
            "Finding what exists before a deeper study",
        ]
        .map(str::to_owned)
        .into(),
        stages: vec![
            stage(Stage::Planning, "The query is broken into at most one search for each agent"),
            stage(Stage::Agents, "Agents of the kinds their searches need search all at once"),
            stage(Stage::Synthesis, "Results that say the same are read once; one report is written"),
            stage(
                Stage::Checking,
                "The Citation Monitor proves every citation; what fails is repaired once or dropped",
            ),
        ],
        parameters: vec![
            parameter("num_agents", "Search agents at most; 1 to 20 unless the operator allows more", json!(5)),
            parameter("allowed_agent_types", "The kinds agents may have", json!(AgentType::ALL.map(AgentType::as_str))),
            parameter("search_depth", "How thoroughly each searches: quick, standard or deep", json!("standard")),
        ],
        agent_types: AgentType::ALL.map(agent_type_info).into(),
    }
}
