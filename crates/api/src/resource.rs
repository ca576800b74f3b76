//! What can be read by its URI: patterns, and of each workflow its status, results, report and events. Owns the URIs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Api, ApiError, Caller, Code,
    arguments::ListArguments,
    view::{PatternView, WorkflowView},
};

/// Workflows whose resources are listed: the newest.
const LISTED_MAX: u64 = 50;
/// Characters of a report in one page.
const PAGE_CHARS: usize = 60_000;
/// Events in one page.
const PAGE_EVENTS: usize = 200;

/// A resource as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ResourceView {
    /// What it is read by.
    pub uri: String,
    /// What people call it.
    pub name: String,
    /// What is in it.
    pub description: String,
    /// Its media type.
    pub mime_type: String,
}

/// A list of resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ResourcesView {
    /// Patterns first, then the newest workflows.
    pub resources: Vec<ResourceView>,
    /// How many.
    pub count: usize,
}

/// A kind of resource whose URI has a part to fill in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ResourceTemplate {
    /// The URI with its part in braces.
    pub uri_template: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What is in it.
    pub description: &'static str,
    /// Its media type.
    pub mime_type: &'static str,
}

/// A resource that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceText {
    /// What it was read by.
    pub uri: String,
    /// Its media type.
    pub mime_type: &'static str,
    /// Its text.
    pub text: String,
    /// Whether it will never change again.
    pub is_final: bool,
}

/// The kinds of resources of a workflow.
const TEMPLATES: &[ResourceTemplate] = &[
    ResourceTemplate {
        uri_template: "orchestrator://{task_id}/status",
        name: "Status of a workflow",
        description: "Stage, agents, tokens, cost, questions",
        mime_type: "application/json",
    },
    ResourceTemplate {
        uri_template: "orchestrator://{task_id}/results",
        name: "Results of a workflow",
        description: "Report, sources, agents, documents",
        mime_type: "application/json",
    },
    ResourceTemplate {
        uri_template: "orchestrator://{task_id}/report{?page}",
        name: "Report of a workflow",
        description: "The report as Markdown, in pages of 60,000 characters from page 1",
        mime_type: "text/markdown",
    },
    ResourceTemplate {
        uri_template: "orchestrator://{task_id}/events{?after}",
        name: "Log of a workflow",
        description: "Its records, 200 at a time, after a position; 0 is the beginning",
        mime_type: "application/json",
    },
    ResourceTemplate {
        uri_template: "orchestrator://{pattern}/info",
        name: "A pattern",
        description: "What a pattern does, and what can be set",
        mime_type: "application/json",
    },
];

impl Api {
    /// The kinds of resources whose URI has a part to fill in.
    #[must_use]
    pub const fn resource_templates(&self) -> &'static [ResourceTemplate] {
        TEMPLATES
    }

    /// The patterns, and the status and results of the caller's 50 newest workflows.
    ///
    /// # Errors
    /// [`ApiError`] of the store.
    pub async fn resources(&self, caller: &Caller) -> Result<ResourcesView, ApiError> {
        let mut resources: Vec<ResourceView> = self.patterns().patterns.iter().map(of_pattern).collect();
        let newest = ListArguments { limit: Some(LISTED_MAX), ..ListArguments::default() };
        let page = self.list(caller, &newest).await?;
        resources.extend(page.workflows.iter().flat_map(of_workflow));
        Ok(ResourcesView { count: resources.len(), resources })
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// [`Code::NotFound`] when nothing has this URI; the errors of what is read.
    pub async fn read_resource(&self, caller: &Caller, uri: &str) -> Result<ResourceText, ApiError> {
        let unknown = || {
            let shown: String = uri.chars().filter(|c| !c.is_control()).take(200).collect();
            ApiError::new(Code::NotFound, format!("no resource is named {shown}"))
        };
        let rest = uri.strip_prefix("orchestrator://").ok_or_else(unknown)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (of, what) = place.split_once('/').ok_or_else(unknown)?;
        let (text, mime_type, is_final) = match what {
            "info" => {
                let named = match of {
                    "research" => "beltalowda",
                    "search" => "swarm",
                    other => other,
                };
                let pattern = self.patterns().patterns.into_iter().find(|pattern| pattern.name == named);
                (with_uri(uri, &pattern.ok_or_else(unknown)?)?, "application/json", false)
            }
            "status" => {
                let view = self.status(caller, of).await?;
                (with_uri(uri, &view)?, "application/json", view.is_terminal())
            }
            "results" => {
                // First whether it has ended: what is read after its end is final.
                let is_final = self.workflow(caller, of).await?.is_terminal();
                let view = self.results(caller, of).await?;
                (with_uri(uri, &view)?, "application/json", is_final)
            }
            "report" => {
                let page = number(query, "page", 1)?;
                (self.report_page(caller, of, page).await?, "text/markdown", true)
            }
            "events" => {
                let after = number(query, "after", 0)?;
                let ended = self.workflow(caller, of).await?.is_terminal();
                let page = self.log(caller, of, after, PAGE_EVENTS).await?;
                (with_uri(uri, &page)?, "application/json", ended)
            }
            _ => return Err(unknown()),
        };
        Ok(ResourceText { uri: uri.to_owned(), mime_type, text, is_final })
    }

    /// A page of a report, from 1, with where it goes on.
    async fn report_page(&self, caller: &Caller, id: &str, page: u64) -> Result<String, ApiError> {
        let results = self.results(caller, id).await?;
        let Some(report) = results.final_synthesis else {
            let detail = format!("{id} has no report: it is {}", results.status);
            return Err(ApiError::new(Code::NotFound, detail));
        };
        let chars = report.chars().count();
        let pages = chars.div_ceil(PAGE_CHARS).max(1);
        let at = usize::try_from(page).unwrap_or(usize::MAX);
        if at == 0 || at > pages {
            return Err(ApiError::new(Code::NotFound, format!("page {page} of {id}: the report has {pages} pages")));
        }
        let mut text: String = report.chars().skip((at - 1) * PAGE_CHARS).take(PAGE_CHARS).collect();
        if at < pages {
            text.push_str(&format!(
                "\n\n[Page {at} of {pages}: it goes on in orchestrator://{id}/report?page={}]",
                at + 1
            ));
        }
        Ok(text)
    }
}

fn of_pattern(pattern: &PatternView) -> ResourceView {
    ResourceView {
        uri: format!("orchestrator://{}/info", pattern.name),
        name: pattern.display_name.clone(),
        description: pattern.description.clone(),
        mime_type: "application/json".to_owned(),
    }
}

fn of_workflow(view: &WorkflowView) -> Vec<ResourceView> {
    let resource = |what: &str, name: &str, mime: &str| ResourceView {
        uri: format!("orchestrator://{}/{what}", view.task_id),
        name: format!("{name}: {}", view.title),
        description: format!("{name} of {}, which is {}", view.task_id, view.status),
        mime_type: mime.to_owned(),
    };
    let mut all =
        vec![resource("status", "Status", "application/json"), resource("results", "Results", "application/json")];
    if view.status == "completed" {
        all.push(resource("report", "Report", "text/markdown"));
    }
    all
}

fn with_uri(uri: &str, view: &impl Serialize) -> Result<String, ApiError> {
    #[derive(Serialize)]
    struct Read<'a, T> {
        uri: &'a str,
        #[serde(flatten)]
        view: &'a T,
    }
    serde_json::to_string(&Read { uri, view }).map_err(|error| ApiError::new(Code::Internal, error.to_string()))
}

fn number(query: &str, name: &str, default: u64) -> Result<u64, ApiError> {
    let Some((key, value)) =
        query.split('&').filter(|part| !part.is_empty()).map(|p| p.split_once('=').unwrap_or((p, ""))).next()
    else {
        return Ok(default);
    };
    if key != name {
        let shown: String = key.chars().take(40).collect();
        return Err(ApiError::field(&shown, format!("is no part of this resource's name; {name} is")));
    }
    value.parse().map_err(|_| ApiError::field(name, format!("is {value:?}, expected a whole number")))
}
