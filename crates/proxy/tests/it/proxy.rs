//! A proxy in the test's runtime, and snapshots in few words.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use proxy::{Config, Control, Endpoint, Options, Port, Protocol, Route, Service, StartError};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// How long a test waits for what must come. It only bounds a test that fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A proxy that ends with the test.
pub struct Proxy {
    pub control: Control,
    pub http: SocketAddr,
    pub task: JoinHandle<Result<(), StartError>>,
    _folder: TempDir,
}

pub fn options(folder: &std::path::Path) -> Options {
    Options {
        http: SocketAddr::from(([127, 0, 0, 1], 0)),
        control: folder.join("run/control.sock"),
        lock: folder.join("run/lock"),
        shutdown_grace: PATIENCE,
        patience: proxy::Patience::default(),
        workers: 0,
        take_over: false,
    }
}

impl Proxy {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With other options.
    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut options = options(folder.path());
        change(&mut options);
        let control = Control::new(&options.control);
        let task = tokio::spawn(proxy::run(options));
        let info = answering(&control).await;
        Self { control, http: info.http, task, _folder: folder }
    }

    /// Gives a snapshot that must be had without a problem.
    pub async fn apply(&self, config: &Config) {
        let applied = self.control.apply(config).await.expect("the snapshot is taken");
        assert_eq!(applied.problems, [], "version {}", config.version);
    }
}

/// Waits until a proxy answers at its control socket.
pub async fn answering(control: &Control) -> proxy::Info {
    tokio::time::timeout(PATIENCE, async {
        loop {
            match control.info().await {
                Ok(info) => return info,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    })
    .await
    .expect("the proxy answers")
}

/// Waits until `holds`.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}

/// One service `web` with one http port `http` on these endpoints, behind a route for everything.
pub fn web(version: u64, endpoints: &[(&str, SocketAddr, u32)]) -> Config {
    with_port(version, port(Protocol::Http, None, endpoints))
}

pub fn with_port(version: u64, port: Port) -> Config {
    let is_http = port.protocol.is_by_request();
    let mut service = Service::default();
    service.ports.insert("http".into(), port);
    let route = Route::new(None, "/", "web".into(), "http");
    let routes = if is_http { vec![route] } else { Vec::new() };
    let mut config = Config { version, routes, ..Config::default() };
    config.services.insert("web".into(), service);
    config
}

pub fn port(protocol: Protocol, listen: Option<SocketAddr>, endpoints: &[(&str, SocketAddr, u32)]) -> Port {
    let endpoints = endpoints.iter().map(|&(instance, address, weight)| Endpoint {
        instance: instance.into(),
        address,
        weight,
        release: None,
    });
    let limits = proxy::Limits::default();
    Port { protocol, listen, publish: None, limits, endpoints: endpoints.collect() }
}

/// An address that nobody listens at. Loopback has 16 million of them: one made of the process id, which is this test
/// process's alone, cannot be taken by another test or by an outgoing connection in between.
pub fn free_address() -> SocketAddr {
    static NEXT_PORT: AtomicU16 = AtomicU16::new(10_000);
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    SocketAddr::from(([127, high | 0x80, middle, low], NEXT_PORT.fetch_add(1, Ordering::Relaxed)))
}
