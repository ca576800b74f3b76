//! Beltalowda: hierarchical research. Owns the order of its layers and who reads whom; its words are in `prompts`.

mod describe;
mod prompts;

use std::collections::BTreeSet;

use mcp_orchestrator_domain::{PatternName, Request, Role, Stage, Step, StepId, StepSpec, Workflow, clean_line};

use crate::{
    Inputs, Next, Pattern, Prompt, Strategy,
    check::finish_with_check,
    failure::no_result,
    plan::Planned,
    reply::is_nothing_found,
    steps::{Bounds, agent, id, ids, with_tools},
};

const PLANNER_TOKENS_MAX: u32 = 1_000;
const BELTER_TOKENS_MAX: u32 = 2_000;
const BELTER_TURNS_MAX: u16 = 6;
const DRUMMER_TOKENS_MAX: u32 = 3_000;
const CAMINA_TOKENS_MAX: u32 = 4_000;

/// Hierarchical research: a planner breaks the task up, Belters research the parts at once, Drummers merge groups of
/// results while other Belters still work, Camina writes the report, and the Citation Monitor checks it.
///
/// A Drummer starts as soon as a group's worth of Belters have found something, in the order they end. After the last
/// Belter, two or more that are left make a last group if there was one before; otherwise Camina reads them as they
/// are. What fails leaves a named gap: a Drummer that failed is replaced by what it should have merged, Camina by what
/// she should have read. When every Belter found nothing, nobody writes; when every Belter failed, the workflow fails.
///
/// A task for one agent is not planned: the agent researches the task itself.
#[derive(Clone, Debug)]
pub struct Beltalowda {
    name: PatternName,
}

impl Beltalowda {
    /// The name requests choose it by.
    pub const NAME: &'static str = "beltalowda";

    /// The strategy.
    #[must_use]
    pub fn new() -> Self {
        Self { name: PatternName::new(Self::NAME).expect("a lower-case word is a pattern's name") }
    }
}

impl Default for Beltalowda {
    fn default() -> Self {
        Self::new()
    }
}

impl Strategy for Beltalowda {
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
        let layers = Layers::of(workflow);
        if let Some(camina) = layers.camina {
            return after_camina(workflow, camina);
        }
        if layers.belters.is_empty() {
            return plan(workflow.request(), layers.planner);
        }
        let drummers = layers.new_drummers(workflow);
        if !drummers.is_empty() {
            return Next::run(drummers);
        }
        if layers.belters.iter().chain(&layers.drummers).any(|step| step.is_open()) {
            return Next::wait();
        }
        write(workflow, &layers)
    }

    fn render(&self, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
        prompts::render(step, inputs)
    }
}

/// The steps by the layer they belong to, each in the order of planning.
struct Layers<'w> {
    planner: Option<&'w Step>,
    belters: Vec<&'w Step>,
    drummers: Vec<&'w Step>,
    camina: Option<&'w Step>,
}

impl<'w> Layers<'w> {
    fn of(workflow: &'w Workflow) -> Self {
        let mut layers = Self { planner: None, belters: Vec::new(), drummers: Vec::new(), camina: None };
        for step in workflow.steps() {
            match step.role() {
                Role::Planner => layers.planner = Some(step),
                Role::Researcher => layers.belters.push(step),
                Role::Synthesizer => layers.drummers.push(step),
                Role::Executive => layers.camina = Some(step),
                _ => {}
            }
        }
        layers
    }

    /// Belters that found something and are in no group, in the order of planning.
    fn ungrouped(&self, workflow: &Workflow) -> Vec<&'w Step> {
        let grouped: BTreeSet<&StepId> = self.drummers.iter().flat_map(|drummer| &drummer.spec().reads).collect();
        let found = |step: &&&Step| step.is_completed() && !grouped.contains(step.id());
        self.belters.iter().filter(found).filter(|step| !is_nothing_found(workflow, step)).copied().collect()
    }

    /// Drummers for the groups that are complete and have none. Groups are read from the Drummers planned before, not
    /// counted again, so a continued workflow whose reopened Belter arrives late keeps them.
    fn new_drummers(&self, workflow: &Workflow) -> Vec<StepSpec> {
        let options = workflow.request().beltalowda;
        let group_size = usize::from(options.group_size).max(2);
        let completed = self.belters.iter().filter(|step| step.is_completed()).count();
        let is_last_call = self.belters.iter().all(|step| !step.is_open());
        let is_too_early = self.drummers.is_empty() && completed < group_size;
        // Asked after every step, and nearly always too early: then no text is looked at.
        let grouped: usize = self.drummers.iter().map(|drummer| drummer.spec().reads.len()).sum();
        let is_no_group_full = !is_last_call && completed.saturating_sub(grouped) < group_size;
        if !options.drummer || is_too_early || is_no_group_full {
            return Vec::new();
        }
        let mut waiting = self.ungrouped(workflow);
        waiting.sort_by_key(|step| step.end_order());
        let mut groups: Vec<&[&Step]> = waiting.chunks(group_size).collect();
        if let Some(last) = groups.last().filter(|group| group.len() < group_size) {
            let is_group = is_last_call && last.len() >= 2 && self.drummers.len() + groups.len() > 1;
            if !is_group {
                groups.pop();
            }
        }
        let numbered = groups.into_iter().zip(self.drummers.len()..);
        numbered.map(|(group, number)| drummer(number, group, workflow.request())).collect()
    }

    /// What Camina reads: each Drummer's output or, where it failed or saw nothing in its group, what it should have
    /// merged; then what is in no group; then who found nothing, so that the gap can be named.
    fn results(&self, workflow: &Workflow) -> Vec<StepId> {
        let mut reads = Vec::new();
        for drummer in &self.drummers {
            if drummer.is_completed() && !is_nothing_found(workflow, drummer) {
                reads.push(drummer.id().clone());
            } else {
                reads.extend_from_slice(&drummer.spec().reads);
            }
        }
        reads.extend(ids(&self.ungrouped(workflow)));
        let empty = self.belters.iter().filter(|step| is_nothing_found(workflow, step));
        if reads.is_empty() {
            // One says it for all; the report then says nothing else.
            return empty.take(1).map(|step| step.id().clone()).collect();
        }
        reads.extend(empty.map(|step| step.id().clone()));
        reads
    }
}

/// Asks the planner, or sends the Belters out with its plan.
fn plan(request: &Request, step: Option<&Step>) -> Next {
    if request.agents <= 1 {
        return Next::run(belters(request, vec![clean_line(&request.task, crate::SUB_TASK_CHARS_MAX)]));
    }
    match Planned::of(step, &request.task, request.agents.into()) {
        Planned::Unasked => Next::run(vec![planner(request)]),
        Planned::Open => Next::wait(),
        Planned::SubTasks(tasks) => Next::run(belters(request, tasks)),
        Planned::Failed(failure) => Next::fail(failure),
    }
}

/// Every Belter and Drummer has ended: Camina writes, or, without her, the results are checked as they are.
fn write(workflow: &Workflow, layers: &Layers<'_>) -> Next {
    if layers.belters.iter().all(|step| !step.is_completed()) {
        return Next::fail(no_result(&layers.belters));
    }
    let reads = layers.results(workflow);
    let found_nothing = layers.belters.iter().all(|step| !step.is_completed() || is_nothing_found(workflow, step));
    if found_nothing || !workflow.request().beltalowda.camina {
        return finish_with_check(workflow, reads);
    }
    Next::run(vec![camina(reads, workflow.request())])
}

fn after_camina(workflow: &Workflow, camina: &Step) -> Next {
    if camina.is_open() {
        return Next::wait();
    }
    let reads = if camina.is_completed() { vec![camina.id().clone()] } else { camina.spec().reads.clone() };
    finish_with_check(workflow, reads)
}

fn planner(request: &Request) -> StepSpec {
    let time_limit_ms = request.timeouts.agent_ms;
    let bounds = Bounds { turns_max: 1, output_tokens_max: PLANNER_TOKENS_MAX, time_limit_ms };
    let task = format!("Break the task into at most {} sub-tasks", request.agents);
    StepSpec { inline: true, ..agent(id("planner"), Role::Planner, Stage::Planning, task, bounds) }
}

fn belters(request: &Request, tasks: Vec<String>) -> Vec<StepSpec> {
    let time_limit_ms = request.timeouts.agent_ms;
    let bounds = Bounds { turns_max: BELTER_TURNS_MAX, output_tokens_max: BELTER_TOKENS_MAX, time_limit_ms };
    let numbered = tasks.into_iter().enumerate();
    numbered
        .map(|(number, task)| {
            let step = agent(id(&format!("belter_{number}")), Role::Researcher, Stage::Agents, task, bounds);
            with_tools(step, &request.tools)
        })
        .collect()
}

/// Its task is also the heading of its section when nobody writes the report.
fn drummer(number: usize, group: &[&Step], request: &Request) -> StepSpec {
    const TASK_CHARS_MAX: usize = 160;
    let mut group = group.to_vec();
    group.sort_by_key(|step| number_of(step));
    let time_limit_ms = request.timeouts.synthesis_ms;
    let bounds = Bounds { turns_max: 1, output_tokens_max: DRUMMER_TOKENS_MAX, time_limit_ms };
    let topics: Vec<&str> = group.iter().map(|step| step.spec().task.trim_end_matches(['.', '?'])).collect();
    let task = clean_line(&format!("Part {}: {}", number + 1, topics.join("; ")), TASK_CHARS_MAX);
    let step = agent(id(&format!("drummer_{number}")), Role::Synthesizer, Stage::Synthesis, task, bounds);
    StepSpec { reads: ids(&group), ..step }
}

fn number_of(belter: &Step) -> usize {
    belter.id().as_str().rsplit('_').next().and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
}

fn camina(reads: Vec<StepId>, request: &Request) -> StepSpec {
    let time_limit_ms = request.timeouts.executive_ms;
    let bounds = Bounds { turns_max: 1, output_tokens_max: CAMINA_TOKENS_MAX, time_limit_ms };
    StepSpec { reads, ..agent(id("camina"), Role::Executive, Stage::Synthesis, "Write the report", bounds) }
}
