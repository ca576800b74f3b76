//! `answer`: a person's answer to a question a workflow waits with. Owns which question is meant and what is said of who
//! goes on.

use std::{process::ExitCode, time::Duration};

use mcp_orchestrator_domain::{Status, StepId, WorkflowId};

use crate::{
    args::AnswerArgs,
    error::CliError,
    row::{Runs, style},
    session::Session,
    task,
    terminal::{Line, Style},
    workflows::Workflows,
};

/// How often, and how many times at most, it is looked whether somebody goes on with the workflow.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS_MAX: u32 = 20;

pub(crate) fn answer(session: &Session, args: &AnswerArgs) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let id: WorkflowId = args.id.parse()?;
    let (step, text) = match args.words.as_slice() {
        [step, text] => (Some(step.parse::<StepId>()?), text),
        [text, ..] => (None, text),
        [] => return Err(CliError::NoQuestion(id)),
    };
    let text = task::read(text)?;
    session.block_on(async {
        let workflows = session.workflows().await?;
        let step = match step {
            Some(step) => step,
            None => only_question(&workflows, &id).await?,
        };
        workflows.answer(&id, &step, &text).await?;
        let goes_on = goes_on(&workflows, &id).await?;
        let row = workflows.status(&id).await?;
        if terminal.json {
            terminal.out_json(&row.json())?;
            return Ok(ExitCode::SUCCESS);
        }
        let status = row.status;
        terminal.note(
            Line::new().plain(&id).plain(" ").styled(style(status), status).plain(format!(": {step} is answered")),
        );
        if !goes_on {
            let line = format!("nobody runs it; go on with: mcp-orchestrator resume {id}");
            terminal.note(Line::new().styled(Style::Yellow, line));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The step that asks, when there is one question only.
async fn only_question(workflows: &Workflows, id: &WorkflowId) -> Result<StepId, CliError> {
    let questions = workflows.questions(id).await?;
    match questions.as_slice() {
        [one] => Ok(one.step.parse()?),
        [] => Err(CliError::NoQuestion(id.clone())),
        several => {
            let steps = several.iter().map(|question| format!("{}: {}", question.step, question.question)).collect();
            Err(CliError::SeveralQuestions { id: id.clone(), steps })
        }
    }
}

/// Whether somebody goes on with the workflow, or it is over or asks on already.
async fn goes_on(workflows: &Workflows, id: &WorkflowId) -> Result<bool, CliError> {
    for _ in 0..LOOKS_MAX {
        let row = workflows.status(id).await?;
        if row.runs != Runs::Nobody || row.status.is_terminal() || row.status == Status::Waiting {
            return Ok(true);
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(false)
}
