//! Images of a submission, as its arguments have them: Base64, with or without what an address with data in it begins with. Owns
//! the reading; what is an image is the domain's.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcp_orchestrator::domain::Image;
use serde_json::{Map, Value};

use crate::{
    FieldProblem,
    start::{kind_of, problem},
};

/// Takes the images out of the arguments; each that is none is a problem of its own.
pub(crate) fn images(arguments: &mut Map<String, Value>, wrong: &mut Vec<FieldProblem>) -> Vec<Image> {
    let entries = match arguments.remove("images") {
        None => return Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(other) => {
            wrong.push(problem("images", format!("is {}, expected a list of texts", kind_of(&other))));
            return Vec::new();
        }
    };
    if entries.len() > Image::COUNT_MAX {
        wrong.push(problem("images", format!("are {}, and {} at most are taken", entries.len(), Image::COUNT_MAX)));
        return Vec::new();
    }
    let mut images = Vec::with_capacity(entries.len());
    for (entry, at) in entries.into_iter().zip(0..) {
        match read(&entry) {
            Ok(image) => images.push(image),
            Err(detail) => {
                let place = problem("images", detail);
                wrong.push(FieldProblem { pointer: format!("{}/{at}", place.pointer), ..place });
            }
        }
    }
    images
}

fn read(entry: &Value) -> Result<Image, String> {
    let text = entry.as_str().ok_or_else(|| format!("is {}, expected text", kind_of(entry)))?;
    // What the address says of the kind is not believed: the bytes say it.
    let data = text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")).map_or(text, |(_, data)| data);
    let bytes = STANDARD.decode(data.trim()).map_err(|_| "is no Base64".to_owned())?;
    Image::parse(bytes).map_err(|error| error.to_string())
}
