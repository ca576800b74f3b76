//! Progress of a workflow as it happens: bars on a terminal, plain lines elsewhere, JSON lines for programs, or nothing.

mod bars;
mod words;

use mcp_orchestrator_domain::Stage;

use crate::{
    terminal::{Closed, Line, Style, Terminal},
    told::Told,
};

use bars::Bars;
pub(crate) use words::{brief, grouped, of_event, spent};

/// Shows one workflow. Dropping it leaves the terminal clean.
#[derive(Debug)]
pub(crate) struct View {
    terminal: Terminal,
    how: How,
}

#[derive(Debug)]
enum How {
    Bars(Box<Bars>),
    Lines(Stage),
    Json,
    Quiet,
}

impl View {
    pub(crate) fn new(terminal: Terminal) -> Self {
        let how = match terminal {
            Terminal { json: true, .. } => How::Json,
            Terminal { quiet: true, .. } => How::Quiet,
            Terminal { bars: true, .. } => How::Bars(Box::new(Bars::new(terminal))),
            _ => How::Lines(Stage::Queued),
        };
        Self { terminal, how }
    }

    /// Shows one event.
    ///
    /// # Errors
    /// [`Closed`] when events go to stdout and nobody reads it any more.
    pub(crate) fn show(&mut self, event: &Told) -> Result<(), Closed> {
        match &mut self.how {
            How::Json => self.terminal.out_line(&event.json)?,
            How::Quiet => {}
            How::Bars(bars) => bars.show(event),
            How::Lines(stage) => {
                if let Some(progress) = &event.progress
                    && let Ok(now) = serde_json::from_value::<Stage>(progress.stage.as_str().into())
                    && now > *stage
                {
                    *stage = now;
                    self.terminal.note(Line::new().styled(Style::Bold, stage).plain(spent(progress)));
                }
                if let Some(line) = of_event(event) {
                    self.terminal.note(line);
                }
            }
        }
        Ok(())
    }

    /// A line that a person must see to go on, even one who wants no progress. Programs have it as an event.
    pub(crate) fn urge(&self, line: impl Into<Line>) {
        match &self.how {
            How::Quiet => self.terminal.err(line),
            How::Bars(_) | How::Lines(_) | How::Json => self.note(line),
        }
    }

    /// A line for the person beside the progress.
    pub(crate) fn note(&self, line: impl Into<Line>) {
        match &self.how {
            How::Bars(bars) => bars.above(line),
            How::Lines(_) | How::Json | How::Quiet => self.terminal.note(line),
        }
    }
}
