//! What one route takes and answers, in words and shapes. Owns the description; the router knows the handler.

use http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

/// Makes a shape's schema, or a reference to it, with one of the two generators.
pub(crate) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// A route for people and for the OpenAPI document.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) query: Option<Shape>,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Option<Body>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) fails: Vec<StatusCode>,
    /// Whether the answer may take as long as it likes.
    pub(crate) is_unhurried: bool,
    /// Where an old route went.
    pub(crate) successor: Option<&'static str>,
}

/// What a body is.
#[derive(Debug)]
pub(crate) enum Body {
    /// A shape of ours.
    Shape(Shape),
    /// A schema made elsewhere, under a name.
    Schema(&'static str, Value),
    /// Any object.
    Object,
}

/// An answer that is no error.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) media_type: Option<&'static str>,
    pub(crate) shape: Option<Shape>,
    pub(crate) description: &'static str,
}

impl Operation {
    pub(crate) fn get(path: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Method::GET, path, tag, summary)
    }

    pub(crate) fn post(path: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Method::POST, path, tag, summary)
    }

    pub(crate) fn delete(path: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Method::DELETE, path, tag, summary)
    }

    fn new(method: Method, path: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            tag,
            summary,
            query: None,
            headers: Vec::new(),
            body: None,
            answers: Vec::new(),
            fails: Vec::new(),
            is_unhurried: false,
            successor: None,
        }
    }

    pub(crate) fn query<T: JsonSchema>(mut self) -> Self {
        // Parameters are read member by member, so the schema is needed itself.
        self.query = Some(T::json_schema);
        self
    }

    pub(crate) fn header(mut self, name: &'static str, description: &'static str) -> Self {
        self.headers.push((name, description));
        self
    }

    pub(crate) fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(Body::Shape(SchemaGenerator::subschema_for::<T>));
        self
    }

    pub(crate) fn takes_schema(mut self, name: &'static str, schema: Value) -> Self {
        self.body = Some(Body::Schema(name, schema));
        self
    }

    pub(crate) fn takes_object(mut self) -> Self {
        self.body = Some(Body::Object);
        self
    }

    pub(crate) fn answers<T: JsonSchema>(self, status: StatusCode, description: &'static str) -> Self {
        self.answer(status, Some("application/json"), Some(SchemaGenerator::subschema_for::<T>), description)
    }

    /// Answers with something that is no JSON of a known shape.
    pub(crate) fn gives(self, media_type: &'static str, description: &'static str) -> Self {
        self.answer(StatusCode::OK, Some(media_type), None, description)
    }

    pub(crate) fn gives_nothing(self, status: StatusCode, description: &'static str) -> Self {
        self.answer(status, None, None, description)
    }

    fn answer(
        mut self,
        status: StatusCode,
        media_type: Option<&'static str>,
        shape: Option<Shape>,
        description: &'static str,
    ) -> Self {
        self.answers.push(Answer { status, media_type, shape, description });
        self
    }

    pub(crate) fn fails(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.fails.extend(statuses);
        self
    }

    /// Takes away the deadline of requests: a stream, or a wait that bounds itself.
    pub(crate) fn unhurried(mut self) -> Self {
        self.is_unhurried = true;
        self
    }

    /// Marks an old route, which went to another.
    pub(crate) fn replaced_by(mut self, route: &'static str) -> Self {
        self.successor = Some(route);
        self
    }
}
