//! The OpenAPI 3.1 document, made from the descriptions of the routes. Owns its form; the schemas are those of the shapes
//! themselves, the same that MCP shows.

use http::StatusCode;
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    problem::{PROBLEM_JSON, ProblemDocument},
    routes::{Body, Operation},
};

/// Where shapes are in the document.
const COMPONENTS: &str = "/components/schemas";

/// Grows route by route.
#[derive(Debug)]
pub(crate) struct OpenApi {
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
    /// Of what clients send.
    sent: SchemaGenerator,
    /// Of what clients get.
    answered: SchemaGenerator,
}

impl OpenApi {
    pub(crate) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = COMPONENTS.into();
            settings.meta_schema = None;
        });
        let sent = settings.clone().for_deserialize().into_generator();
        let mut answered = settings.for_serialize().into_generator();
        let _reference = answered.subschema_for::<ProblemDocument<'_>>();
        Self { paths: Map::new(), schemas: Map::new(), sent, answered }
    }

    pub(crate) fn add(&mut self, operation: Operation) {
        let mut parameters = path_parameters(operation.path);
        parameters.extend(self.query_parameters(&operation));
        parameters.extend(operation.headers.iter().map(|(name, description)| {
            json!({ "name": name, "in": "header", "description": description, "schema": { "type": "string" } })
        }));
        let mut entry = json!({
            "operationId": operation_id(&operation),
            "summary": operation.summary,
            "tags": [operation.tag],
            "parameters": parameters,
            "responses": self.responses(&operation),
        });
        if let Some(entry) = entry.as_object_mut() {
            if let Some(body) = operation.body {
                let schema = self.body(body);
                let content = json!({ "application/json": { "schema": schema } });
                entry.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
            }
            if operation.successor.is_some() {
                entry.insert("deprecated".to_owned(), Value::Bool(true));
            }
        }
        let path = self.paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.as_str().to_ascii_lowercase(), entry);
        }
    }

    pub(crate) fn finish(mut self) -> Value {
        self.schemas.extend(self.sent.take_definitions(true));
        self.schemas.extend(self.answered.take_definitions(true));
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "MCP Orchestrator",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Workflows of several agents: start them, watch them, read what came of them.",
                "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            },
            "servers": [{ "url": "/" }],
            "paths": self.paths,
            "components": { "schemas": self.schemas },
        })
    }

    fn query_parameters(&mut self, operation: &Operation) -> Vec<Value> {
        let Some(shape) = operation.query else { return Vec::new() };
        let schema = shape(&mut self.sent).to_value();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema["properties"].as_object().into_iter().flatten();
        properties
            .map(|(name, property)| {
                let mut property = property.clone();
                let description = property.as_object_mut().and_then(|property| property.remove("description"));
                json!({
                    "name": name,
                    "in": "query",
                    "required": required.contains(&name.as_str()),
                    "description": description,
                    "schema": property,
                })
            })
            .collect()
    }

    fn body(&mut self, body: Body) -> Value {
        match body {
            Body::Shape(shape) => shape(&mut self.sent).to_value(),
            Body::Schema(name, mut schema) => {
                let definitions = schema.as_object_mut().and_then(|schema| schema.remove("$defs"));
                if let Some(Value::Object(definitions)) = definitions {
                    self.schemas.extend(definitions.into_iter().map(|(name, schema)| (name, moved(schema))));
                }
                self.schemas.insert(name.to_owned(), moved(schema));
                json!({ "$ref": format!("#{COMPONENTS}/{name}") })
            }
            Body::Object => json!({ "type": "object" }),
        }
    }

    fn responses(&mut self, operation: &Operation) -> Value {
        let mut responses = Map::new();
        for answer in &operation.answers {
            let response = responses.entry(answer.status.as_u16().to_string());
            // Several media types of one status are one response, described by the first.
            let response = response.or_insert_with(|| json!({ "description": answer.description }));
            if let Some(media_type) = answer.media_type {
                response["content"][media_type] = match answer.shape {
                    Some(shape) => json!({ "schema": shape(&mut self.answered) }),
                    None => json!({}),
                };
            }
        }
        for status in &operation.fails {
            responses.insert(status.as_u16().to_string(), problem(*status));
        }
        responses.insert("default".to_owned(), problem(StatusCode::INTERNAL_SERVER_ERROR));
        Value::Object(responses)
    }
}

fn problem(status: StatusCode) -> Value {
    let description = status.canonical_reason().unwrap_or("Error");
    let schema = json!({ "$ref": format!("#{COMPONENTS}/Problem") });
    json!({ "description": description, "content": { PROBLEM_JSON: { "schema": schema } } })
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })).collect()
}

/// `get_v1_workflows_id` for `GET /v1/workflows/{id}`.
fn operation_id(operation: &Operation) -> String {
    let mut id = operation.method.as_str().to_ascii_lowercase();
    for part in operation.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        id.push('_');
        id.push_str(part);
    }
    id
}

/// A schema whose references point into the document.
fn moved(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match member {
                    Value::String(reference) if name == "$ref" => {
                        *reference = reference.replace("#/$defs/", &format!("#{COMPONENTS}/"));
                    }
                    _ => *member = moved(member.take()),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = moved(item.take())),
        _ => {}
    }
    schema
}
