//! The control socket.

use std::os::unix::fs::PermissionsExt;

use http::StatusCode;
use proxy::{Config, Control, ControlError, Endpoint};

use crate::client::Client;
use crate::proxy::{Proxy, web};
use crate::upstream::Upstream;

#[tokio::test]
async fn an_older_snapshot_is_refused_and_the_same_version_is_taken_again() {
    let proxy = Proxy::start().await;
    assert_eq!(proxy.control.config().await.expect("a config"), Config::default());
    let config = web(5, &[]);
    proxy.apply(&config).await;
    proxy.apply(&config).await;
    match proxy.control.apply(&web(4, &[])).await {
        Err(ControlError::Refused { status, refusal }) => {
            assert_eq!(status, 409);
            assert!(refusal.message.contains("older than 5"), "{}", refusal.message);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(proxy.control.config().await.expect("a config"), config);
    let info = proxy.control.info().await.expect("info");
    assert_eq!((info.pid, info.config_version), (std::process::id(), 5));
}

#[tokio::test]
async fn requests_are_counted_by_instance_and_by_service() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    let mut config = web(1, &[("a-1", upstream.address, 1)]);
    proxy.apply(&config).await;
    let mut client = Client::connect(proxy.http).await;
    for (path, times) in [("/", 3), ("/status/404", 2), ("/status/500", 1)] {
        for _ in 0..times {
            client.get(path).await;
        }
    }
    // The counts go on when the snapshot changes around the endpoint.
    config.version = 2;
    let port =
        config.services.get_mut(&"web".into()).and_then(|service| service.ports.get_mut(&"http".into()));
    let other = Endpoint { instance: "b-1".into(), address: upstream.address, weight: 0, release: None };
    port.expect("the port").endpoints.push(other);
    proxy.apply(&config).await;
    let stats = proxy.control.stats().await.expect("stats");
    let counts = &stats.instances[&"a-1".into()].counts;
    assert_eq!(counts.requests, 6);
    let responses: Vec<(&str, u64)> =
        counts.responses.iter().map(|(class, &count)| (class.as_str(), count)).collect();
    assert_eq!(responses, [("2xx", 3), ("4xx", 2), ("5xx", 1)]);
    assert_eq!(stats.services[&"web".into()].counts, *counts);
    assert_eq!(stats.instances[&"b-1".into()].counts.requests, 0);
}

#[tokio::test]
async fn only_this_user_can_open_the_socket_and_its_folder() {
    let proxy = Proxy::start().await;
    let socket = proxy.control.socket();
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path).map(|data| data.permissions().mode() & 0o777).expect("it is there")
    };
    assert_eq!(mode(socket), 0o600);
    assert_eq!(mode(socket.parent().expect("a folder")), 0o700);
}

#[tokio::test]
async fn what_is_not_understood_is_refused_with_a_reason() {
    let proxy = Proxy::start().await;
    let ask = async |method: &str, path: &str, body: &str| {
        let stream = tokio::net::UnixStream::connect(proxy.control.socket()).await.expect("the socket");
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.expect("a handshake");
        tokio::spawn(connection);
        let method = method.parse().expect("a method");
        let request = crate::client::request(method, "proxy", path, body);
        sender.send_request(request).await.expect("an answer").status()
    };
    assert_eq!(ask("PUT", "/v1/config", "{\"version\":1,\"extra\":2}").await, StatusCode::BAD_REQUEST);
    assert_eq!(ask("POST", "/v1/drain", "").await, StatusCode::BAD_REQUEST);
    assert_eq!(ask("POST", "/v1/drain?instance=a&wait_ms=soon", "").await, StatusCode::BAD_REQUEST);
    assert_eq!(ask("GET", "/v1/nothing", "").await, StatusCode::NOT_FOUND);
    let missing = Control::new("/nonexistent/proxy.sock").info().await;
    assert!(matches!(missing, Err(ControlError::Unreachable { .. })));
}

#[tokio::test]
async fn prometheus_gets_latencies_by_service_and_release() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    let mut config = web(1, &[("a-1", upstream.address, 1)]);
    for service in config.services.values_mut() {
        for endpoint in service.ports.values_mut().flat_map(|port| &mut port.endpoints) {
            endpoint.release = Some("v2".into());
        }
    }
    proxy.apply(&config).await;
    let mut client = Client::connect(proxy.http).await;
    client.get("/").await;
    client.get("/status/404").await;
    let text = proxy.control.metrics().await.expect("metrics");
    // The same where Prometheus itself can read it.
    (config.version, config.metrics) = (2, Some(crate::proxy::free_address()));
    proxy.apply(&config).await;
    let scraped = crate::client::get(config.metrics.expect("an address"), "any", "/metrics").await;
    assert_eq!((scraped.status, scraped.body.as_str()), (StatusCode::OK, text.as_str()));
    (config.version, config.metrics) = (3, Some("192.0.2.1:9".parse().expect("an address")));
    let applied = proxy.control.apply(&config).await.expect("the snapshot is taken");
    assert_eq!(applied.problems[0].part, "listen 192.0.2.1:9 of the metrics");
    for line in [
        "mainstay_proxy_requests_total{service=\"web\"} 2",
        "mainstay_proxy_responses_total{service=\"web\",release=\"v2\",class=\"2xx\"} 1",
        "mainstay_proxy_responses_total{service=\"web\",release=\"v2\",class=\"4xx\"} 1",
        "mainstay_proxy_request_seconds_bucket{service=\"web\",release=\"v2\",le=\"+Inf\"} 2",
        "mainstay_proxy_instance_in_flight{instance_id=\"a-1\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}
