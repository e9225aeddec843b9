//! The client of an agent: one method for each path of its API. It decides nothing and keeps nothing but connections.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::logs::LogStream;
use crate::transport::{Transport, encode};
use crate::{
    AgentInfo, ClientError, CollectedImages, Drained, InstanceId, InstanceList, InstanceSpec, InstanceStatus,
    KeptImages, LogLine, Retirement, ServiceKey, ServiceSpec, ServiceStatus,
};

/// Which log lines are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// The project's name.
    pub project: String,
    /// The environment's name.
    pub environment: String,
    /// Only this service's.
    pub service: Option<String>,
    /// Only this instance's.
    pub instance: Option<InstanceId>,
    /// Only the last so many lines of what is there already, over all instances. None: all that is kept.
    pub tail: Option<u64>,
    /// Only lines from this time on; Unix milliseconds.
    pub since_ms: Option<u64>,
    /// Go on with what comes, until the stream is dropped.
    pub follow: bool,
}

/// Speaks with one agent over its unix socket; cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
}

impl Client {
    /// A client of the agent at `socket`. Nothing is opened before the first request.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { transport: Transport::new(socket.into()) }
    }

    /// The socket that it speaks over.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.transport.socket()
    }

    /// What the agent is and can do: `GET /v1/info`.
    pub async fn info(&self) -> Result<AgentInfo, ClientError> {
        self.transport.json(Method::GET, "/v1/info", None).await
    }

    /// Whether the agent has a blob (`sha256:…`): `HEAD /v1/blobs/DIGEST`.
    pub async fn has_blob(&self, digest: &str) -> Result<bool, ClientError> {
        self.exists(&format!("/v1/blobs/{}", segment(digest))).await
    }

    /// Gives the agent a blob of `size` bytes: `PUT /v1/blobs/DIGEST`. Other bytes than the digest says are refused.
    pub async fn put_blob(
        &self,
        digest: &str,
        size: u64,
        content: impl AsyncRead + Send + Sync + 'static,
    ) -> Result<(), ClientError> {
        let path = format!("/v1/blobs/{}", segment(digest));
        let body = StreamBody::new(ReaderStream::with_capacity(content, 128 * 1024).map_ok(Frame::data));
        self.transport.send_stream(Method::PUT, &path, size, BodyExt::boxed(body)).await?.good().await?;
        Ok(())
    }

    /// Makes an image of blobs that the agent has, and unpacks its layers: `PUT /v1/images/DIGEST`. Refused with 409
    /// while one of its blobs is not there. Idempotent.
    pub async fn put_image(&self, manifest_digest: &str) -> Result<(), ClientError> {
        let path = format!("/v1/images/{}", segment(manifest_digest));
        self.transport.send(Method::PUT, &path, None).await?.good().await?;
        Ok(())
    }

    /// Whether instances of this image can be started: `HEAD /v1/images/DIGEST`.
    pub async fn has_image(&self, manifest_digest: &str) -> Result<bool, ClientError> {
        self.exists(&format!("/v1/images/{}", segment(manifest_digest))).await
    }

    /// Says which images an environment needs: `PUT /v1/kept-images/PROJECT/ENVIRONMENT`.
    pub async fn keep_images(
        &self,
        project: &str,
        environment: &str,
        kept: &KeptImages,
    ) -> Result<(), ClientError> {
        let path = format!("/v1/kept-images/{}/{}", segment(project), segment(environment));
        let body = encode(&self.transport, &path, kept)?;
        self.transport.send(Method::PUT, &path, Some(body)).await?.good().await?;
        Ok(())
    }

    /// Removes images that neither an instance has nor any environment needs: `POST /v1/collect-images`.
    pub async fn collect_images(&self) -> Result<CollectedImages, ClientError> {
        self.transport.json(Method::POST, "/v1/collect-images", None).await
    }

    /// Starts an instance: `PUT /v1/instances/ID`. Idempotent by id: with the same `spec_hash` it answers what is there,
    /// and starts it anew where it is over; another `spec_hash` under the same id is refused with 409.
    pub async fn start(&self, spec: &InstanceSpec) -> Result<InstanceStatus, ClientError> {
        let path = instance_path(&spec.id);
        let body = encode(&self.transport, &path, spec)?;
        self.transport.json(Method::PUT, &path, Some(body)).await
    }

    /// Instances of an environment, or of one of its services: `GET /v1/instances`.
    pub async fn instances(
        &self,
        project: &str,
        environment: &str,
        service: Option<&str>,
    ) -> Result<InstanceList, ClientError> {
        let path = scope_query("/v1/instances", project, environment, service);
        self.transport.json(Method::GET, &path, None).await
    }

    /// The same, answered when the version is greater than `after` or `wait_ms` milliseconds are over.
    pub async fn watch(
        &self,
        project: &str,
        environment: &str,
        service: Option<&str>,
        after: u64,
        wait_ms: u64,
    ) -> Result<InstanceList, ClientError> {
        let mut path = scope_query("/v1/instances", project, environment, service);
        let _ = write!(path, "&after={after}&wait_ms={wait_ms}");
        self.transport.json(Method::GET, &path, None).await
    }

    /// Tells an instance to stop, and answers at once: `POST /v1/instances/ID/stop`. Idempotent; 404 for one that is not
    /// known.
    pub async fn stop(&self, id: &InstanceId) -> Result<InstanceStatus, ClientError> {
        self.transport.json(Method::POST, &format!("{}/stop", instance_path(id)), None).await
    }

    /// Removes what is left of an instance that is over: `DELETE /v1/instances/ID`. Idempotent; refused with 409 while it
    /// is not over.
    pub async fn remove(&self, id: &InstanceId) -> Result<(), ClientError> {
        self.transport.send(Method::DELETE, &instance_path(id), None).await?.good().await?;
        Ok(())
    }

    /// Keeps an instance warm until a time (Unix milliseconds), when the agent stops and removes it: `PUT
    /// /v1/instances/ID/retirement`. Take it out of `serving` first: one that serves stays. Idempotent.
    pub async fn retire(&self, id: &InstanceId, at_ms: u64) -> Result<InstanceStatus, ClientError> {
        let path = format!("{}/retirement", instance_path(id));
        let body = encode(&self.transport, &path, &Retirement { at_ms })?;
        self.transport.json(Method::PUT, &path, Some(body)).await
    }

    /// Lets an instance that was kept warm stay: `DELETE /v1/instances/ID/retirement`. Idempotent.
    pub async fn keep(&self, id: &InstanceId) -> Result<InstanceStatus, ClientError> {
        self.transport.json(Method::DELETE, &format!("{}/retirement", instance_path(id)), None).await
    }

    /// Waits until no request is in flight on an instance, at most `wait_ms` milliseconds:
    /// `POST /v1/instances/ID/drain`. Take it out of `serving` first.
    pub async fn drain(&self, id: &InstanceId, wait_ms: u64) -> Result<Drained, ClientError> {
        let path = format!("{}/drain?wait_ms={wait_ms}", instance_path(id));
        self.transport.json(Method::POST, &path, None).await
    }

    /// Writes a service: `PUT /v1/services/PROJECT/ENVIRONMENT/SERVICE`. Answered once the proxy works by it. Idempotent.
    pub async fn put_service(&self, spec: &ServiceSpec) -> Result<ServiceStatus, ClientError> {
        let path = service_path(&spec.key);
        let body = encode(&self.transport, &path, spec)?;
        self.transport.json(Method::PUT, &path, Some(body)).await
    }

    /// The services of an environment, ordered by name: `GET /v1/services`.
    pub async fn services(
        &self,
        project: &str,
        environment: &str,
    ) -> Result<Vec<ServiceStatus>, ClientError> {
        let path = scope_query("/v1/services", project, environment, None);
        self.transport.json(Method::GET, &path, None).await
    }

    /// Removes a service and its addresses: `DELETE /v1/services/PROJECT/ENVIRONMENT/SERVICE`. Its instances are not
    /// touched. Idempotent.
    pub async fn remove_service(&self, key: &ServiceKey) -> Result<(), ClientError> {
        self.transport.send(Method::DELETE, &service_path(key), None).await?.good().await?;
        Ok(())
    }

    /// Log lines, oldest first, then as they come if asked to follow: `GET /v1/logs`, one JSON object in each line.
    pub async fn logs(&self, query: &LogQuery) -> Result<LogStream, ClientError> {
        let path = log_path(query);
        let (body, sender) = self.transport.send(Method::GET, &path, None).await?.stream().await?;
        Ok(LogStream::new(self.transport.clone(), body, sender))
    }

    /// The last lines of one instance's log: `GET /v1/instances/ID/tail`.
    pub async fn tail(&self, id: &InstanceId, lines: u64) -> Result<Vec<LogLine>, ClientError> {
        let path = format!("{}/tail?lines={lines}", instance_path(id));
        self.transport.json(Method::GET, &path, None).await
    }

    /// Ends the agent; instances and the proxy go on: `POST /v1/shutdown`.
    pub async fn shutdown(&self) -> Result<(), ClientError> {
        self.end("/v1/shutdown").await
    }

    /// Stops every instance and the proxy, takes the network down and ends the agent:
    /// `POST /v1/shutdown?instances=stop`. Answered when all of that is done.
    pub async fn shutdown_all(&self) -> Result<(), ClientError> {
        self.end("/v1/shutdown?instances=stop").await
    }

    async fn end(&self, path: &str) -> Result<(), ClientError> {
        self.transport.send(Method::POST, path, None).await?.good().await?;
        Ok(())
    }

    async fn exists(&self, path: &str) -> Result<bool, ClientError> {
        let answer = self.transport.send(Method::HEAD, path, None).await?;
        match answer.status() {
            StatusCode::OK => answer.good().await.map(|_: Bytes| true),
            StatusCode::NOT_FOUND => Ok(false),
            status => Err(self.transport.broken(&format!("HEAD {path}"), format!("status {status}"))),
        }
    }
}

fn instance_path(id: &InstanceId) -> String {
    format!("/v1/instances/{}", segment(&id.0))
}

fn service_path(key: &ServiceKey) -> String {
    format!("/v1/services/{}/{}/{}", segment(&key.project), segment(&key.environment), segment(&key.service))
}

fn scope_query(path: &str, project: &str, environment: &str, service: Option<&str>) -> String {
    let mut query = format!("{path}?project={}&environment={}", segment(project), segment(environment));
    if let Some(service) = service {
        let _ = write!(query, "&service={}", segment(service));
    }
    query
}

fn log_path(query: &LogQuery) -> String {
    let mut path = scope_query("/v1/logs", &query.project, &query.environment, query.service.as_deref());
    if let Some(instance) = &query.instance {
        let _ = write!(path, "&instance={}", segment(&instance.0));
    }
    if let Some(tail) = query.tail {
        let _ = write!(path, "&tail={tail}");
    }
    if let Some(since_ms) = query.since_ms {
        let _ = write!(path, "&since_ms={since_ms}");
    }
    if query.follow {
        path.push_str("&follow=true");
    }
    path
}

/// Percent-encodes all but RFC 3986's unreserved characters and `:`, so that no name can change a path or a query.
fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                encoded.push(char::from(byte))
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_change_the_path_or_the_query() {
        let key =
            ServiceKey { project: "a/../b".into(), environment: "x?y=z".into(), service: "s&t#u%".into() };
        assert_eq!(service_path(&key), "/v1/services/a%2F..%2Fb/x%3Fy%3Dz/s%26t%23u%25");
    }

    #[test]
    fn a_log_query_names_only_what_was_asked() {
        let mut query = LogQuery { project: "shop".into(), environment: "dev".into(), ..LogQuery::default() };
        assert_eq!(log_path(&query), "/v1/logs?project=shop&environment=dev");
        query.tail = Some(5);
        query.follow = true;
        query.instance = Some(InstanceId("web-1".into()));
        assert_eq!(
            log_path(&query),
            "/v1/logs?project=shop&environment=dev&instance=web-1&tail=5&follow=true"
        );
    }

    #[tokio::test]
    async fn an_agent_that_is_not_there_is_named_by_its_socket() {
        let client = Client::new("/nonexistent/agent.sock");
        let error = client.info().await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("no agent answers at /nonexistent/agent.sock"), "{error}");
    }
}
