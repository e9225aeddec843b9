//! The agent's HTTP API over its unix socket: paths, queries, bodies. Every handler hands over to the room that does it.
//!
//! Work that must not end half done when a client goes away runs in a task of its own.

mod images;
mod logs;

use std::sync::Arc;

use agent_api::{
    AgentInfo, InstanceId, InstanceList, InstanceSpec, InstanceStatus, LogLine, Retirement, ServiceKey,
    ServiceSpec, ServiceStatus,
};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::Refused;
use crate::instances::Scope;
use crate::{Agent, admission, instances, services};

/// A description's largest size. A service's is opaque to the agent; this is far above any that people write.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The longest wait of one request. Whoever wants to wait longer asks again.
const WAIT_MS_MAX: u64 = 10 * 60 * 1000;
/// The most lines that one answer holds whole.
const TAIL_LINES_MAX: u64 = 100_000;

/// All paths.
pub(crate) fn router(agent: Arc<Agent>) -> Router {
    Router::new()
        .route("/v1/info", get(info))
        .route("/v1/blobs/{digest}", get(images::has_blob).put(images::put_blob))
        .route("/v1/images/{digest}", get(images::has_image).put(images::put_image))
        .route("/v1/kept-images/{project}/{environment}", put(images::keep))
        .route("/v1/collect-images", post(images::collect))
        .route("/v1/instances", get(list_instances))
        .route("/v1/instances/{id}", put(start_instance).delete(remove_instance))
        .route("/v1/instances/{id}/stop", post(stop_instance))
        .route("/v1/instances/{id}/retirement", put(retire_instance).delete(keep_instance))
        .route("/v1/instances/{id}/drain", post(drain_instance))
        .route("/v1/instances/{id}/tail", get(tail_instance))
        .route("/v1/services", get(list_services))
        .route("/v1/services/{project}/{environment}/{service}", put(put_service).delete(remove_service))
        .route("/v1/logs", get(logs::send))
        .route("/v1/shutdown", post(shutdown))
        .fallback(unknown_path)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(agent)
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(self.refusal)).into_response()
    }
}

/// A body as JSON, refused in our own words.
struct Body<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        match Json::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(rejection) => {
                Err(Refused { status: rejection.status(), ..Refused::invalid(rejection.body_text()) })
            }
        }
    }
}

/// A query, refused in our own words.
struct Query<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        read.map(|query| Self(query.0)).map_err(|rejection| Refused::invalid(rejection.body_text()))
    }
}

type Shared = State<Arc<Agent>>;
type Answer<T> = Result<Json<T>, Refused>;

/// Runs work to its end whether or not the client waits for it.
async fn whole<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refused>> + Send + 'static,
) -> Result<T, Refused> {
    tokio::spawn(work).await.map_err(|fault| Refused::failed("a task of the agent ended early", &fault))?
}

async fn unknown_path() -> Refused {
    Refused::unknown("the agent has no such path").hint("client and agent may be of different versions")
}

async fn info(State(agent): Shared) -> Json<AgentInfo> {
    Json(agent.info())
}

#[derive(Deserialize)]
struct ListQuery {
    project: String,
    environment: String,
    service: Option<String>,
    after: Option<u64>,
    wait_ms: Option<u64>,
}

async fn list_instances(State(agent): Shared, Query(query): Query<ListQuery>) -> Json<InstanceList> {
    if let Some(after) = query.after {
        let wait = std::time::Duration::from_millis(query.wait_ms.unwrap_or(0).min(WAIT_MS_MAX));
        tokio::select! {
            () = agent.instances.newer_than(after) => {}
            () = tokio::time::sleep(wait) => {}
            () = agent.ending.cancelled() => {}
        }
    }
    let scope = Scope { project: query.project, environment: query.environment, service: query.service };
    Json(agent.instances.list(&scope))
}

async fn start_instance(
    State(agent): Shared,
    Path(id): Path<String>,
    Body(spec): Body<InstanceSpec>,
) -> Answer<InstanceStatus> {
    if spec.id.0 != id {
        return Err(Refused::invalid("the path and the body name different instances"));
    }
    whole(instances::start(agent, spec)).await.map(Json)
}

async fn stop_instance(State(agent): Shared, Path(id): Path<String>) -> Answer<InstanceStatus> {
    instances::stop(&agent, &InstanceId(id)).map(Json)
}

async fn retire_instance(
    State(agent): Shared,
    Path(id): Path<String>,
    Body(Retirement { at_ms }): Body<Retirement>,
) -> Answer<InstanceStatus> {
    instances::retire(&agent, &InstanceId(id), Some(at_ms)).map(Json)
}

async fn keep_instance(State(agent): Shared, Path(id): Path<String>) -> Answer<InstanceStatus> {
    instances::retire(&agent, &InstanceId(id), None).map(Json)
}

async fn remove_instance(State(agent): Shared, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    whole(instances::remove(agent, InstanceId(id))).await.map(|()| StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct DrainQuery {
    wait_ms: u64,
}

async fn drain_instance(
    State(agent): Shared,
    Path(id): Path<String>,
    Query(query): Query<DrainQuery>,
) -> Answer<agent_api::Drained> {
    let id = InstanceId(id);
    admission::instance_id(&id)?;
    let service = agent.instances.read_all(|entries| Some(entries.get(&id)?.kept.spec.service.clone()));
    let upgraded_ms = service.and_then(|key| agent.services.upgraded_drain_ms(&key));
    let (wait_ms, upgraded_ms) = (query.wait_ms.min(WAIT_MS_MAX), upgraded_ms.unwrap_or(0).min(WAIT_MS_MAX));
    agent.balancer.drain(&id, wait_ms, upgraded_ms.max(wait_ms)).await.map(Json)
}

#[derive(Deserialize)]
struct TailQuery {
    lines: u64,
}

async fn tail_instance(
    State(agent): Shared,
    Path(id): Path<String>,
    Query(query): Query<TailQuery>,
) -> Answer<Vec<LogLine>> {
    let id = InstanceId(id);
    admission::instance_id(&id)?;
    let lines = query.lines.min(TAIL_LINES_MAX);
    let (reader, of) = (agent.clone(), id.clone());
    let read = tokio::task::spawn_blocking(move || crate::logs::tail(&reader, &of, lines)).await;
    let lines = read.map_err(|fault| Refused::failed("a task of the agent ended early", &fault))?;
    lines.map(Json).ok_or_else(|| Refused::unknown(format!("there is no instance {id}")))
}

#[derive(Deserialize)]
struct ServicesQuery {
    project: String,
    environment: String,
}

async fn list_services(State(agent): Shared, Query(query): Query<ServicesQuery>) -> Json<Vec<ServiceStatus>> {
    Json(agent.services.list(&query.project, &query.environment))
}

async fn put_service(
    State(agent): Shared,
    Path((project, environment, service)): Path<(String, String, String)>,
    Body(spec): Body<ServiceSpec>,
) -> Answer<ServiceStatus> {
    if spec.key != (ServiceKey { project, environment, service }) {
        return Err(Refused::invalid("the path and the body name different services"));
    }
    whole(services::put(agent, spec)).await.map(Json)
}

async fn remove_service(
    State(agent): Shared,
    Path((project, environment, service)): Path<(String, String, String)>,
) -> Result<StatusCode, Refused> {
    let key = ServiceKey { project, environment, service };
    whole(services::remove(agent, key)).await.map(|()| StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct ShutdownQuery {
    #[serde(default)]
    instances: Instances,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Instances {
    #[default]
    Keep,
    Stop,
}

async fn shutdown(State(agent): Shared, Query(query): Query<ShutdownQuery>) -> Result<StatusCode, Refused> {
    whole(async move {
        match query.instances {
            Instances::Keep => agent.ending.cancel(),
            Instances::Stop => agent.end_all().await,
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
