//! Rendering documents: off the loop, into the blob store.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    DocumentFormat, DocumentRef, Failure, FailureClass, Outcome, Payload, StepId, file_stem,
};

use super::{
    Run,
    ended::{Ended, LocalError},
    resume::{load, put_blob},
};
use crate::{caught::caught, document};

impl Run {
    /// Renders every format that was asked for. The workflow completes when the documents are stored.
    pub(super) fn start_rendering(&mut self, report: StepId, outcome: Outcome) {
        let parts = Arc::clone(&self.parts);
        let workflow = self.workflow.clone();
        self.in_flight.spawn(async move {
            let rendered = caught(render(&parts, workflow, &report)).await;
            let documents = rendered.unwrap_or_else(|_| Err(internal("the document writer panicked")));
            Box::new(Ended::Rendered { report, outcome, documents })
        });
    }
}

async fn render(
    parts: &Arc<crate::parts::Parts>,
    workflow: mcp_orchestrator_domain::Workflow,
    report: &StepId,
) -> Result<Vec<DocumentRef>, LocalError> {
    let check = workflow.step(report.as_str()).and_then(|step| step.check()).cloned();
    let check = check.ok_or_else(|| internal("the report is gone"))?;
    let (store, tenant) = (Arc::clone(&parts.store), workflow.principal().clone());
    let payload: &Payload = &check.report;
    let json = load(store.as_ref(), &tenant, payload).await.map_err(LocalError::Store)?;
    let models = document::models(parts, &workflow).await.map_err(LocalError::Store)?;
    let own = Arc::clone(parts);
    let rendered = tokio::task::spawn_blocking(move || {
        let report = serde_json::from_str(&json).map_err(|error| internal(error.to_string()))?;
        let request = Arc::clone(workflow.request());
        let document = document::assemble(&own, &workflow, &check, report, models);
        let stem = file_stem(&request.title);
        let mut rendered = Vec::with_capacity(request.formats.len());
        for format in &request.formats {
            let text = match format {
                DocumentFormat::Markdown => mcp_orchestrator_documents::markdown::render(&document),
                DocumentFormat::Json => {
                    mcp_orchestrator_documents::json::render(&document).map_err(|error| internal(error.to_string()))?
                }
                _ => return Err(internal(format!("this version does not write {format}"))),
            };
            rendered.push((format!("{stem}.{}", format.extension()), *format, text));
        }
        Ok(rendered)
    });
    let rendered = rendered.await.map_err(|_| internal("the document writer panicked"))??;
    let mut documents = Vec::with_capacity(rendered.len());
    for (name, format, text) in rendered {
        let blob = put_blob(parts, &tenant, text.into()).await.map_err(|error| LocalError::Store(error.into()))?;
        documents.push(DocumentRef { name, format, blob });
    }
    Ok(documents)
}

fn internal(message: impl AsRef<str>) -> LocalError {
    LocalError::Failure(Failure::new(FailureClass::Internal, message))
}
