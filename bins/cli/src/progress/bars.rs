//! Progress bars: one line for the workflow, one for each agent. Owns the drawing; words are from beside.

use std::{collections::BTreeMap, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::words::{of_agent, of_event, of_moment, spent};
use crate::{
    terminal::{Line, Style, Terminal},
    told::{Activity, Data, Told},
};

/// More agents than this are counted but not shown one by one.
const AGENTS_MAX: usize = 24;

const TICK: Duration = Duration::from_millis(120);

#[derive(Debug)]
pub(super) struct Bars {
    terminal: Terminal,
    all: MultiProgress,
    head: ProgressBar,
    agents: BTreeMap<String, ProgressBar>,
    /// What is left to read when the bars are gone.
    last: Option<Line>,
}

impl Bars {
    pub(super) fn new(terminal: Terminal) -> Self {
        let all = MultiProgress::new();
        let head = all.add(ProgressBar::new(100));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:20} {percent:>3}%  {elapsed}  {msg}") {
            head.set_style(style);
        }
        head.enable_steady_tick(TICK);
        Self { terminal, all, head, agents: BTreeMap::new(), last: None }
    }

    pub(super) fn show(&mut self, event: &Told) {
        if let Some(progress) = &event.progress {
            self.head.set_position(progress.percent.into());
            let line = Line::new().styled(Style::Bold, &progress.stage).plain(spent(progress));
            self.head.set_message(self.terminal.rendered(line.clone()));
            self.last = Some(line);
        }
        let Some(agent) = &event.agent else {
            if let Some(line) = of_event(event) {
                self.above(line);
            }
            return;
        };
        let words = of_agent(event).or_else(|| of_moment(event).map(|text| Line::new().styled(Style::Dim, text)));
        let (Some(words), Some(bar)) = (words, self.bar(agent)) else { return };
        let words = self.terminal.rendered(words);
        match &event.data {
            Data::DecompositionComplete { .. }
            | Data::AgentComplete(_)
            | Data::AgentError { .. }
            | Data::SynthesisComplete(_)
            | Data::Activity(Activity::ReportChecked { .. }) => bar.finish_with_message(words),
            _ => bar.set_message(words),
        }
    }

    /// The agent's line; made when it is first needed, as long as there is room.
    fn bar(&mut self, agent: &str) -> Option<ProgressBar> {
        if let Some(bar) = self.agents.get(agent) {
            return Some(bar.clone());
        }
        if self.agents.len() >= AGENTS_MAX {
            return None;
        }
        let bar = self.all.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {prefix:<16} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(self.terminal.rendered(agent));
        bar.enable_steady_tick(TICK);
        self.agents.insert(agent.to_owned(), bar.clone());
        Some(bar)
    }

    pub(super) fn above(&self, line: impl Into<Line>) {
        // Nobody can be told that the terminal is gone.
        let _gone = self.all.println(self.terminal.rendered(line));
    }
}

/// Takes the bars off the terminal and leaves one line in their place.
impl Drop for Bars {
    fn drop(&mut self) {
        for bar in self.agents.values() {
            bar.finish_and_clear();
        }
        self.head.finish_and_clear();
        if let Some(last) = self.last.take() {
            self.terminal.err(last);
        }
    }
}
