//! Webhooks: who is told, what was told, and to tell it again.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use mcp_orchestrator_api::{ApiError, arguments::NoArguments};
use mcp_orchestrator_webhooks::{
    Delivery, DeliveryId, DeliveryPage, Endpoint, EndpointId, EndpointPage, NewEndpoint, WebhookError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Operation, Table};
use crate::{
    answer::Json,
    extract::{Asked, Named, Object, Who, shaped},
    http::Shared,
    problem::Problem,
};

const TAG: &str = "webhooks";
/// Endpoints or deliveries in one page when nobody says.
const PAGE: usize = 50;
/// And at most.
const PAGE_MAX: usize = 100;

pub(super) fn add(table: &mut Table) {
    let missing = [StatusCode::NOT_FOUND];
    table.add(
        Operation::post("/v1/webhooks", TAG, "Register an endpoint for events, signed as Standard Webhooks say")
            .takes::<NewEndpoint>()
            .answers::<CreatedView>(StatusCode::CREATED, "The endpoint with its secret, which is shown this once")
            .fails([StatusCode::NOT_FOUND, StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY]),
        create,
    );
    table.add(
        Operation::get("/v1/webhooks", TAG, "List endpoints")
            .query::<PageQuery>()
            .answers::<EndpointPage>(StatusCode::OK, "A page"),
        list,
    );
    table.add(
        Operation::get("/v1/webhooks/{id}", TAG, "One endpoint")
            .answers::<Endpoint>(StatusCode::OK, "The endpoint")
            .fails(missing),
        read,
    );
    table.add(
        Operation::delete("/v1/webhooks/{id}", TAG, "Delete an endpoint")
            .gives_nothing(StatusCode::NO_CONTENT, "Nothing more is sent to it")
            .fails(missing),
        delete,
    );
    table.add(
        Operation::post("/v1/webhooks/{id}/rotate", TAG, "Give an endpoint a new secret")
            .answers::<SecretView>(StatusCode::OK, "The secret, shown this once; the former one signs too for a day")
            .fails([StatusCode::NOT_FOUND, StatusCode::CONFLICT]),
        rotate,
    );
    table.add(
        Operation::post("/v1/webhooks/{id}/enable", TAG, "Make an endpoint active again")
            .answers::<Endpoint>(StatusCode::OK, "The endpoint; what waited for it is delivered")
            .fails(missing),
        enable,
    );
    table.add(
        Operation::get("/v1/webhooks/{id}/deliveries", TAG, "What an endpoint was told, newest first")
            .query::<PageQuery>()
            .answers::<DeliveryPage>(StatusCode::OK, "A page")
            .fails(missing),
        deliveries,
    );
    table.add(
        Operation::post("/v1/webhooks/{id}/deliveries/{delivery}/replay", TAG, "Tell something again")
            .answers::<Delivery>(StatusCode::ACCEPTED, "The delivery, which is sent again under its id")
            .fails(missing),
        replay,
    );
}

/// A new endpoint.
#[derive(Debug, Serialize, JsonSchema)]
struct CreatedView {
    /// The endpoint.
    #[serde(flatten)]
    endpoint: Endpoint,
    /// What deliveries are signed with. Shown this once.
    secret: String,
}

/// A new secret.
#[derive(Debug, Serialize, JsonSchema)]
struct SecretView {
    /// What deliveries are signed with. Shown this once.
    secret: String,
}

/// A part of a list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct PageQuery {
    /// The `next` of the page before.
    after: Option<String>,
    /// How many, 1 to 100; default 50.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<usize>,
}

impl PageQuery {
    fn limit(&self) -> Result<usize, Problem> {
        match self.limit {
            None => Ok(PAGE),
            Some(limit) if (1..=PAGE_MAX).contains(&limit) => Ok(limit),
            Some(limit) => Err(ApiError::field("limit", format!("is {limit}, expected 1 to {PAGE_MAX}")).into()),
        }
    }

    fn after<T: std::str::FromStr<Err = WebhookError>>(&self) -> Result<Option<T>, Problem> {
        self.after.as_deref().map(str::parse).transpose().map_err(failed)
    }
}

async fn create(State(shared): State<Shared>, Who(caller): Who, Object(body): Object) -> Result<Response, Problem> {
    let new: NewEndpoint = shaped(body)?;
    let created = shared.api().webhooks().create(&caller.principal, new).await.map_err(failed)?;
    let location = format!("/v1/webhooks/{}", created.endpoint.id);
    let view = CreatedView { secret: created.secret.expose().to_owned(), endpoint: created.endpoint };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)).into_response())
}

async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    Asked(asked): Asked<PageQuery>,
) -> Result<Json<EndpointPage>, Problem> {
    let after: Option<EndpointId> = asked.after()?;
    let page = shared.api().webhooks().list(&caller.principal, after.as_ref(), asked.limit()?).await;
    Ok(Json(page.map_err(failed)?))
}

async fn read(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
) -> Result<Json<Endpoint>, Problem> {
    Ok(Json(shared.api().webhooks().get(&caller.principal, &endpoint(&id)?).await.map_err(failed)?))
}

async fn delete(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
) -> Result<StatusCode, Problem> {
    shared.api().webhooks().delete(&caller.principal, &endpoint(&id)?).await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rotate(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
    Object(body): Object,
) -> Result<Json<SecretView>, Problem> {
    let NoArguments {} = shaped(body)?;
    let secret = shared.api().webhooks().rotate(&caller.principal, &endpoint(&id)?).await.map_err(failed)?;
    Ok(Json(SecretView { secret: secret.expose().to_owned() }))
}

async fn enable(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
    Object(body): Object,
) -> Result<Json<Endpoint>, Problem> {
    let NoArguments {} = shaped(body)?;
    Ok(Json(shared.api().webhooks().enable(&caller.principal, &endpoint(&id)?).await.map_err(failed)?))
}

async fn deliveries(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
    Asked(asked): Asked<PageQuery>,
) -> Result<Json<DeliveryPage>, Problem> {
    let after: Option<DeliveryId> = asked.after()?;
    let webhooks = shared.api().webhooks();
    let page = webhooks.deliveries(&caller.principal, &endpoint(&id)?, after.as_ref(), asked.limit()?).await;
    Ok(Json(page.map_err(failed)?))
}

async fn replay(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named((id, delivery)): Named<(String, String)>,
) -> Result<Response, Problem> {
    let delivery: DeliveryId = delivery.parse().map_err(failed)?;
    let webhooks = shared.api().webhooks();
    let again = webhooks.replay(&caller.principal, &endpoint(&id)?, &delivery).await.map_err(failed)?;
    Ok((StatusCode::ACCEPTED, Json(again)).into_response())
}

fn endpoint(id: &str) -> Result<EndpointId, Problem> {
    id.parse().map_err(failed)
}

fn failed(error: WebhookError) -> Problem {
    ApiError::from(error).into()
}
