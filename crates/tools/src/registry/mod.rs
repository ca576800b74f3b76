//! The registry: tools by name. Owns registering, finding and listing; a call is made by `call`, an answer is held to
//! its bounds by `bounds`.

mod bounds;
mod call;
mod manifest;
mod schema;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use mcp_orchestrator_domain::{ToolName, ToolSpec};

pub use bounds::AnswerBounds;
pub use call::{Arguments, CallContext};
pub use manifest::{Manifest, ManifestEntry};

use crate::Tool;
use schema::Schema;
#[cfg(not(feature = "json-schema"))]
pub(crate) use schema::{Plain, has_type};

/// Tools by name, shared by all workflows: a clone is the same registry.
///
/// Tools may come and go at any time; a call that has begun keeps the tool it began with.
#[derive(Clone, Default)]
pub struct Registry {
    // Replaced as a whole, so that a reader never waits for more than the copy of a pointer.
    tools: Arc<RwLock<Arc<Tools>>>,
    bounds: AnswerBounds,
}

type Tools = BTreeMap<ToolName, Arc<Registered>>;

/// A tool with its schema compiled.
struct Registered {
    tool: Arc<dyn Tool>,
    schema: Schema,
}

/// Why a tool cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Another tool has the name; [`Registry::replace`] takes its place.
    #[error("a tool named {0} is registered already")]
    Duplicate(ToolName),
    /// The description of its arguments is no JSON Schema of an object.
    #[error("schema of tool {tool} is not valid at {pointer:?}: {detail}")]
    Schema {
        /// The tool.
        tool: ToolName,
        /// Where in the schema, as a JSON pointer.
        pointer: String,
        /// What is wrong there.
        detail: String,
    },
}

/// Which tools to list. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers build it with `..ToolFilter::default()`")]
pub struct ToolFilter {
    /// Only of this category.
    pub category: Option<String>,
    /// Only with at least one of these tags; empty: any tags.
    pub tags: Vec<String>,
}

impl Registry {
    /// No tools, and the usual bounds on answers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same tools with other bounds on what they may answer.
    #[must_use]
    pub fn with_bounds(mut self, bounds: AnswerBounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Adds a tool.
    ///
    /// # Errors
    /// [`RegisterError::Duplicate`] when its name is taken, [`RegisterError::Schema`] when its schema is not valid as far
    /// as it is looked at (without the feature `json-schema`: at its top level); the registry is then as before.
    pub fn register(&self, tool: Arc<dyn Tool>) -> Result<(), RegisterError> {
        let (name, registered) = compile(tool)?;
        self.change(|tools| match tools.get(&name) {
            Some(_) => Err(RegisterError::Duplicate(name)),
            None => {
                tools.insert(name, Arc::new(registered));
                Ok(())
            }
        })
    }

    /// Adds a tool in place of the one with its name, which is returned.
    ///
    /// # Errors
    /// [`RegisterError::Schema`] when its schema is not valid; the registry is then as before.
    pub fn replace(&self, tool: Arc<dyn Tool>) -> Result<Option<Arc<dyn Tool>>, RegisterError> {
        let (name, registered) = compile(tool)?;
        let before = self.change(|tools| tools.insert(name, Arc::new(registered)));
        Ok(before.map(|registered| Arc::clone(&registered.tool)))
    }

    /// Takes a tool away and returns it; `None` when there is none. Calls that have begun go on.
    #[expect(clippy::must_use_candidate, reason = "it is called for its effect")]
    pub fn unregister(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.change(|tools| tools.remove(name)).map(|registered| Arc::clone(&registered.tool))
    }

    /// The tool with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.tools().get(name).map(|registered| Arc::clone(&registered.tool))
    }

    /// The tools that pass the filter, by name.
    #[must_use]
    pub fn list(&self, filter: &ToolFilter) -> Vec<Arc<dyn Tool>> {
        let tools = self.tools();
        let passing = tools.values().map(|registered| &registered.tool).filter(|tool| filter.passes(tool.as_ref()));
        passing.cloned().collect()
    }

    /// What models are told of all tools, by name.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        self.tools().values().map(|registered| registered.tool.description().spec.clone()).collect()
    }

    /// The categories there are, in alphabetical order.
    #[must_use]
    pub fn categories(&self) -> Vec<String> {
        let mut categories: Vec<String> =
            self.tools().values().map(|registered| registered.tool.description().category.clone()).collect();
        categories.sort_unstable();
        categories.dedup();
        categories
    }

    /// What clients are told of the tools that pass the filter, by name.
    #[must_use]
    pub fn manifest(&self, filter: &ToolFilter) -> Manifest {
        Manifest { tools: self.list(filter).iter().map(|tool| ManifestEntry::of(tool.description())).collect() }
    }

    /// How many tools there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tools().len()
    }

    /// Whether there is no tool.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tools().is_empty()
    }

    fn registered(&self, name: &str) -> Option<Arc<Registered>> {
        self.tools().get(name).cloned()
    }

    fn tools(&self) -> Arc<Tools> {
        Arc::clone(&self.tools.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Tools) -> T) -> T {
        let mut tools = self.tools.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut tools))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<ToolName> = self.tools().keys().cloned().collect();
        f.debug_struct("Registry").field("tools", &names).field("bounds", &self.bounds).finish()
    }
}

impl ToolFilter {
    fn passes(&self, tool: &dyn Tool) -> bool {
        let description = tool.description();
        self.category.as_ref().is_none_or(|category| *category == description.category)
            && (self.tags.is_empty() || self.tags.iter().any(|tag| description.tags.contains(tag)))
    }
}

fn compile(tool: Arc<dyn Tool>) -> Result<(ToolName, Registered), RegisterError> {
    let spec = &tool.description().spec;
    let schema = Schema::of(&spec.parameters).map_err(|invalid| RegisterError::Schema {
        tool: spec.name.clone(),
        pointer: invalid.pointer,
        detail: invalid.detail,
    })?;
    let name = spec.name.clone();
    Ok((name, Registered { tool, schema }))
}
