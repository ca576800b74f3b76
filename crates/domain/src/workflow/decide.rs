//! Commands from outside and what they mean for a workflow. Owns the answers; the store makes them true.

use super::{Status, Workflow};
use crate::{
    Abandoned, CallAbandoned, CancelRequested, Cancelled, Event, InputGiven, Revived, StepId, clean, clean_line,
};

/// Something a person or a client wants of a workflow that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Stop it. Open calls are abandoned with it.
    Cancel {
        /// Why; cleaned and cut to 200 characters.
        reason: String,
    },
    /// Try again one that is held back because worker after worker died of it.
    Revive,
    /// Answer a question it asked.
    Answer {
        /// The asking step.
        step: StepId,
        /// The answer; cleaned and cut to 5,000 characters.
        answer: String,
    },
}

/// Why a command has no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It has ended.
    #[error("the workflow has {0} already")]
    Ended(Status),
    /// It has not ended, so there is nothing to continue from.
    #[error("the workflow is {0}; only a failed or cancelled one is continued as a new one")]
    NotEnded(Status),
    /// Nobody holds it back.
    #[error("the workflow is {0} and is not held back")]
    NotPoisoned(Status),
    /// It asked nothing there.
    #[error("step {0} waits for no answer")]
    NoQuestion(StepId),
    /// The log cannot be read as a workflow.
    #[error("the log is damaged: {0}")]
    Damaged(#[from] super::IllegalTransition),
}

impl Workflow {
    /// The events a command leads to now. Appending them at [`Workflow::head`] carries it out.
    ///
    /// # Errors
    /// [`Rejected`]; nothing is to be appended.
    pub fn decide(&self, command: &Command) -> Result<Vec<Event>, Rejected> {
        if self.status().is_terminal() {
            return Err(Rejected::Ended(self.status()));
        }
        match command {
            Command::Cancel { reason } => {
                let mut events = vec![Event::CancelRequested(CancelRequested { reason: clean_line(reason, 200) })];
                events.extend(self.abandon_open_calls(Abandoned::Cancel));
                events.push(Event::Cancelled(Cancelled::default()));
                Ok(events)
            }
            Command::Revive => match self.poisoned() {
                Some(_) => Ok(vec![Event::Revived(Revived {})]),
                None => Err(Rejected::NotPoisoned(self.status())),
            },
            Command::Answer { step, answer } => {
                if !self.step(step.as_str()).is_some_and(super::Step::waits_for_answer) {
                    return Err(Rejected::NoQuestion(step.clone()));
                }
                let answer = clean(answer).chars().take(5000).collect();
                Ok(vec![Event::InputGiven(InputGiven { step: step.clone(), answer })])
            }
        }
    }

    /// An event for each open call that says nobody waits for it any more.
    pub fn abandon_open_calls(&self, reason: Abandoned) -> impl Iterator<Item = Event> {
        self.open_calls().map(move |call| {
            let step = self.steps[call.step].id().clone();
            Event::CallAbandoned(CallAbandoned::new(call.no, step, reason))
        })
    }
}
