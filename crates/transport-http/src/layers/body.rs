//! What a client sends. Owns the size and the deadline of a body, for every route alike: handlers get it whole.

use std::time::Duration;

use axum::{body::Body, extract::Request};
use bytes::{Bytes, BytesMut};
use http::{StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use crate::{Settings, problem::Problem};

/// How much of a body that is too large is read and thrown away, so that a client that only writes hears the answer.
const DISCARDED_FACTOR: usize = 4;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    bytes: usize,
    deadline: Duration,
}

impl Limit {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { bytes: settings.body_bytes_max, deadline: settings.body_deadline }
    }
}

/// The request with its whole body.
pub(super) async fn collect(limit: Limit, request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(Request::from_parts(parts, Body::empty()));
    }
    let announced = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let waits = parts.headers.contains_key(header::EXPECT);
    if waits && announced.is_some_and(|length: usize| length > limit.bytes) {
        return Err(too_large(limit));
    }
    match tokio::time::timeout(limit.deadline, read(body, limit.bytes)).await {
        Ok(Ok(Some(bytes))) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Ok(Ok(None)) => Err(too_large(limit)),
        Ok(Err(error)) => Err(Problem::bad_request(format!("the body broke off: {error}"))),
        Err(_elapsed) => {
            let detail = format!("the body did not arrive within {} s", limit.deadline.as_secs_f64());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail))
        }
    }
}

/// The whole body, or `None` when it is too large.
async fn read(mut body: Body, max: usize) -> Result<Option<Bytes>, axum::Error> {
    // Nearly every body is one frame, and stays where it was received.
    let mut first = Bytes::new();
    let mut read = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let is_first = length == 0;
        length = length.saturating_add(data.len());
        if length > max.saturating_mul(DISCARDED_FACTOR) {
            break;
        } else if length > max {
            first.clear();
            read.clear();
        } else if is_first {
            first = data;
        } else {
            if !first.is_empty() {
                read.extend_from_slice(&std::mem::take(&mut first));
            }
            read.extend_from_slice(&data);
        }
    }
    let whole = if read.is_empty() { first } else { read.freeze() };
    Ok((length <= max).then_some(whole))
}

fn too_large(limit: Limit) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {} bytes", limit.bytes))
}
