//! Blobs and images, put by clients.

use std::io::{self, Read};
use std::pin::Pin;

use agent_api::{CollectedImages, KeptImages};
use axum::Json;
use axum::body::BodyDataStream;
use axum::extract::{Path, State};
use bytes::{Buf, Bytes};
use futures_util::TryStreamExt;
use http::{HeaderMap, StatusCode, header};
use oci::Descriptor;
use tokio::runtime::Handle;

use super::{Answer, Body, Shared, whole};
use crate::error::Refused;
use crate::{admission, garbage, images};

fn found(there: bool) -> StatusCode {
    if there { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

pub(super) async fn has_blob(
    State(agent): Shared,
    Path(digest): Path<String>,
) -> Result<StatusCode, Refused> {
    let digest = admission::digest(&digest)?;
    Ok(found(agent.layout.has_blob(&digest)))
}

pub(super) async fn has_image(
    State(agent): Shared,
    Path(digest): Path<String>,
) -> Result<StatusCode, Refused> {
    let digest = admission::digest(&digest)?;
    let there = tokio::task::spawn_blocking(move || {
        images::is_there(&agent.layout, &agent.dir.layers(), &digest, agent.rootless)
    })
    .await;
    there.map(found).map_err(|fault| Refused::failed("a task of the agent ended early", &fault))
}

pub(super) async fn put_blob(
    State(agent): Shared,
    Path(digest): Path<String>,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<StatusCode, Refused> {
    let digest = admission::digest(&digest)?;
    let size = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let size: u64 = size.ok_or_else(|| Refused::invalid("a blob's size must be said in `content-length`"))?;
    let expected = Descriptor::new("application/octet-stream", digest, size);
    let content =
        Blocking { stream: Box::pin(body.into_data_stream()), rest: Bytes::new(), handle: Handle::current() };
    let put = tokio::task::spawn_blocking(move || agent.layout.put_blob(content, &expected)).await;
    match put {
        Ok(Ok(())) => Ok(StatusCode::NO_CONTENT),
        Ok(Err(fault @ oci::Error::WrongBlob { .. })) => Err(Refused::invalid(diag::with_causes(&fault))),
        Ok(Err(fault)) => Err(Refused::failed("the blob could not be stored", &diag::with_causes(&fault))),
        Err(fault) => Err(Refused::failed("a task of the agent ended early", &fault)),
    }
}

pub(super) async fn put_image(
    State(agent): Shared,
    Path(digest): Path<String>,
) -> Result<StatusCode, Refused> {
    let digest = admission::digest(&digest)?;
    whole(async move {
        let _gate = agent.images_gate.read().await;
        let (layout, layers, rootless) = (agent.layout.clone(), agent.dir.layers(), agent.rootless);
        let put = tokio::task::spawn_blocking(move || images::put(&layout, &layers, &digest, rootless)).await;
        match put {
            Ok(Ok(())) => Ok(StatusCode::NO_CONTENT),
            Ok(Err(fault @ oci::Error::Io { .. })) => Err(Refused::failed(
                &format!("image {digest} could not be unpacked"),
                &diag::with_causes(&fault),
            )),
            Ok(Err(fault)) => {
                Err(Refused::conflict(format!("image {digest}: {}", diag::with_causes(&fault)))
                    .hint("put all of its blobs first"))
            }
            Err(fault) => Err(Refused::failed("a task of the agent ended early", &fault)),
        }
    })
    .await
}

pub(super) async fn keep(
    State(agent): Shared,
    Path((project, environment)): Path<(String, String)>,
    Body(kept): Body<KeptImages>,
) -> Result<StatusCode, Refused> {
    admission::name("project", &project)?;
    admission::name("environment", &environment)?;
    let noted = move || garbage::keep(&agent, &project, &environment, &kept);
    match tokio::task::spawn_blocking(noted).await {
        Ok(noted) => noted.map(|()| StatusCode::NO_CONTENT),
        Err(fault) => Err(Refused::failed("a task of the agent ended early", &fault)),
    }
}

pub(super) async fn collect(State(agent): Shared) -> Answer<CollectedImages> {
    whole(async move {
        let gate = agent.clone();
        let _gate = gate.images_gate.write().await;
        match tokio::task::spawn_blocking(move || garbage::collect(&agent)).await {
            Ok(collected) => collected.map(Json),
            Err(fault) => Err(Refused::failed("a task of the agent ended early", &fault)),
        }
    })
    .await
}

/// A body that a blocking thread reads.
struct Blocking {
    stream: Pin<Box<BodyDataStream>>,
    rest: Bytes,
    handle: Handle,
}

impl Read for Blocking {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.handle.block_on(self.stream.try_next()) {
                Ok(Some(bytes)) => self.rest = bytes,
                Ok(None) => return Ok(0),
                Err(fault) => return Err(io::Error::other(fault)),
            }
        }
        let length = self.rest.len().min(into.len());
        into[..length].copy_from_slice(&self.rest[..length]);
        self.rest.advance(length);
        Ok(length)
    }
}
