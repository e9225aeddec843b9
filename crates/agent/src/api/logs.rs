//! Log lines as a stream of JSON, one object to a line.

use agent_api::InstanceId;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{Query, Shared};
use crate::admission;
use crate::error::Refused;
use crate::instances::Scope;
use crate::logs::{self, Wanted};

/// Chunks that wait for a slow reader before the reading of files waits as well.
const WAITING_CHUNKS: usize = 8;

#[derive(Deserialize)]
pub(super) struct LogsQuery {
    project: String,
    environment: String,
    service: Option<String>,
    instance: Option<String>,
    tail: Option<u64>,
    since_ms: Option<u64>,
    #[serde(default)]
    follow: bool,
}

pub(super) async fn send(State(agent): Shared, Query(query): Query<LogsQuery>) -> Result<Response, Refused> {
    let instance = query.instance.map(InstanceId);
    if let Some(id) = &instance {
        admission::instance_id(id)?;
    }
    let scope = Scope { project: query.project, environment: query.environment, service: query.service };
    let wanted = Wanted { scope, instance, tail: query.tail, since_ms: query.since_ms, follow: query.follow };
    let (sender, receiver) = mpsc::channel(WAITING_CHUNKS);
    tokio::spawn(logs::send(agent, wanted, sender));
    let chunks = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk: Bytes| (Ok::<_, std::convert::Infallible>(chunk), receiver))
    });
    let body = axum::body::Body::from_stream(chunks);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}
