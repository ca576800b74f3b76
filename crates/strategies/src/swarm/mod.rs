//! Swarm: search by specialists. Owns the order of its layers and who reads whom; its words are in `prompts`, its kinds
//! in `types`.

mod describe;
mod prompts;
mod types;

use mcp_orchestrator_domain::{
    PatternName, Request, Role, SearchDepth, Stage, Step, StepId, StepSpec, Workflow, clean_line,
};

use crate::{
    Inputs, Next, Pattern, Prompt, Strategy,
    check::finish_with_check,
    failure::no_result,
    near::{Sketch, covered},
    plan::Planned,
    reply::{self, is_nothing_found},
    steps::{Bounds, agent, id, ids, with_tools},
};

pub use types::{agent_type_info, assign};

const PLANNER_TOKENS_MAX: u32 = 1_000;
const SEARCHER_TOKENS_MAX: u32 = 1_500;
const SYNTHESIS_TOKENS_MAX: u32 = 2_000;

/// Search by specialists: a planner breaks the query into searches, agents of nine kinds search at once with the tools
/// of their kind, results that say the same are merged, one report is written, and the Citation Monitor checks it.
///
/// Results are the same when their words are nearly identical and one's evidence is part of the other's: then only the
/// other is read. What fails leaves a named gap; when the synthesis fails, the results are the report's sections. When
/// every agent found nothing, nobody writes; when every agent failed, the workflow fails.
///
/// A query for one agent is not planned: the agent searches for the query itself.
#[derive(Clone, Debug)]
pub struct Swarm {
    name: PatternName,
}

impl Swarm {
    /// The name requests choose it by.
    pub const NAME: &'static str = "swarm";

    /// The strategy.
    #[must_use]
    pub fn new() -> Self {
        Self { name: PatternName::new(Self::NAME).expect("a lower-case word is a pattern's name") }
    }
}

impl Default for Swarm {
    fn default() -> Self {
        Self::new()
    }
}

impl Strategy for Swarm {
    fn name(&self) -> &PatternName {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn describe(&self) -> Pattern {
        describe::pattern(self)
    }

    fn next(&self, workflow: &Workflow) -> Next {
        let (mut planner, mut searchers, mut synthesis) = (None, Vec::new(), None);
        for step in workflow.steps() {
            match step.role() {
                Role::Planner => planner = Some(step),
                Role::Searcher(_) => searchers.push(step),
                Role::Executive => synthesis = Some(step),
                _ => {}
            }
        }
        if let Some(synthesis) = synthesis {
            return after_synthesis(workflow, synthesis);
        }
        if searchers.is_empty() {
            return plan(workflow.request(), planner);
        }
        if searchers.iter().any(|step| step.is_open()) {
            return Next::wait();
        }
        write(workflow, &searchers)
    }

    fn render(&self, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
        prompts::render(step, inputs)
    }
}

/// Asks the planner, or sends the agents out with its plan.
fn plan(request: &Request, step: Option<&Step>) -> Next {
    if request.agents <= 1 {
        return Next::run(searchers(request, vec![clean_line(&request.task, crate::SUB_TASK_CHARS_MAX)]));
    }
    match Planned::of(step, &request.task, request.agents.into()) {
        Planned::Unasked => Next::run(vec![planner(request)]),
        Planned::Open => Next::wait(),
        Planned::SubTasks(tasks) => Next::run(searchers(request, tasks)),
        Planned::Failed(failure) => Next::fail(failure),
    }
}

/// Every agent has ended: the results are written up or, where none found anything, said to be nothing.
fn write(workflow: &Workflow, searchers: &[&Step]) -> Next {
    let completed: Vec<&Step> = searchers.iter().copied().filter(|step| step.is_completed()).collect();
    let Some(first) = completed.first() else { return Next::fail(no_result(searchers)) };
    let (empty, found): (Vec<&Step>, Vec<&Step>) = completed.iter().partition(|step| is_nothing_found(workflow, step));
    if found.is_empty() {
        return finish_with_check(workflow, vec![first.id().clone()]);
    }
    let mut reads = ids(&distinct(workflow, found));
    reads.extend(ids(&empty));
    Next::run(vec![synthesis(reads, workflow.request())])
}

fn after_synthesis(workflow: &Workflow, synthesis: &Step) -> Next {
    if synthesis.is_open() {
        return Next::wait();
    }
    let reads = if synthesis.is_completed() { vec![synthesis.id().clone()] } else { synthesis.spec().reads.clone() };
    finish_with_check(workflow, reads)
}

/// The results without those that say nothing beyond another's. A text too long to be kept in the log is kept.
fn distinct<'w>(workflow: &Workflow, found: Vec<&'w Step>) -> Vec<&'w Step> {
    let texts: Vec<Option<String>> = found.iter().map(|step| reply::text(workflow, step)).collect();
    let known: Vec<usize> = (0..found.len()).filter(|position| texts[*position].is_some()).collect();
    let sketches: Vec<Sketch> = texts.iter().flatten().map(|text| Sketch::of(text)).collect();
    let dropped: Vec<usize> = covered(&sketches).into_iter().map(|position| known[position]).collect();
    let positions = found.into_iter().enumerate();
    positions.filter(|(position, _)| !dropped.contains(position)).map(|(_, step)| step).collect()
}

fn planner(request: &Request) -> StepSpec {
    let time_limit_ms = request.timeouts.agent_ms;
    let bounds = Bounds { turns_max: 1, output_tokens_max: PLANNER_TOKENS_MAX, time_limit_ms };
    let task = format!("Break the query into at most {} searches", request.agents);
    StepSpec { inline: true, ..agent(id("planner"), Role::Planner, Stage::Planning, task, bounds) }
}

fn searchers(request: &Request, tasks: Vec<String>) -> Vec<StepSpec> {
    // The last turn is for writing, so each allows one search fewer.
    let turns_max = match request.swarm.depth {
        SearchDepth::Quick => 2,
        SearchDepth::Standard => 4,
        SearchDepth::Deep => 6,
    };
    let time_limit_ms = request.timeouts.agent_ms;
    let bounds = Bounds { turns_max, output_tokens_max: SEARCHER_TOKENS_MAX, time_limit_ms };
    let kinds = assign(&tasks, &request.swarm.agent_types);
    let numbered = tasks.into_iter().zip(kinds).enumerate();
    numbered
        .map(|(number, (task, kind))| {
            let step = agent(id(&format!("swarm_{number}")), Role::Searcher(kind), Stage::Agents, task, bounds);
            with_tools(step, &types::tools(kind, request))
        })
        .collect()
}

fn synthesis(reads: Vec<StepId>, request: &Request) -> StepSpec {
    let time_limit_ms = request.timeouts.executive_ms;
    let bounds = Bounds { turns_max: 1, output_tokens_max: SYNTHESIS_TOKENS_MAX, time_limit_ms };
    StepSpec { reads, ..agent(id("synthesis"), Role::Executive, Stage::Synthesis, "Write the report", bounds) }
}
