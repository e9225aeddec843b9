//! Which service answers a request, by host and path.

use std::collections::btree_map::Entry;

use http::StatusCode;
use proxy::{Config, Protocol, Route, Service};

use crate::client::get;
use crate::proxy::{Proxy, port};
use crate::upstream::Upstream;

/// `routes` as (host or `*`, path, service); `requests` as (host, path, the service that shall answer, or `none`).
async fn check(routes: &[(&str, &str, &'static str)], requests: &[(&str, &str, &str)]) {
    let proxy = Proxy::start().await;
    let mut config = Config { version: 1, ..Config::default() };
    let mut upstreams = Vec::new();
    for &(host, path, name) in routes {
        if let Entry::Vacant(missing) = config.services.entry(name.into()) {
            let upstream = Upstream::start(name).await;
            let mut service = Service::default();
            service.ports.insert("http".into(), port(Protocol::Http, None, &[(name, upstream.address, 1)]));
            missing.insert(service);
            upstreams.push(upstream);
        }
        let host = if host == "*" { None } else { Some(host.to_owned()) };
        config.routes.push(Route::new(host, path, name.into(), "http"));
    }
    proxy.apply(&config).await;
    for &(host, path, expect) in requests {
        let answer = get(proxy.http, host, path).await;
        if expect == "none" {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{host}{path}");
            assert!(answer.body.contains(host) && answer.body.contains(path), "{}", answer.body);
        } else {
            assert_eq!((answer.status, answer.release()), (StatusCode::OK, expect), "{host}{path}");
        }
    }
}

#[tokio::test]
async fn the_most_specific_route_answers() {
    let routes = [
        ("*", "/", "front"),
        ("*", "/api", "api"),
        ("shop.test", "/", "shop"),
        ("shop.test", "/cart/", "cart"),
        ("shop.test", "/cart/items", "items"),
    ];
    let requests = [
        ("any.test", "/", "front"),
        ("any.test", "/api?x=/cart", "api"),
        ("any.test", "/apiary", "front"),
        ("shop.test", "/", "shop"),
        ("SHOP.test:8080", "/cart", "cart"),
        ("shop.test", "/cart/items/7", "items"),
        ("shop.test", "/cart/itemsets", "cart"),
        ("shop.test", "/api", "shop"),
    ];
    check(&routes, &requests).await;
}

#[tokio::test]
async fn a_request_without_a_route_says_which_host_and_path_had_none() {
    check(&[("shop.test", "/api", "api")], &[("shop.test", "/", "none"), ("else.test", "/api", "none")])
        .await;
}

#[tokio::test]
async fn routes_that_cannot_be_had_are_reported_and_the_rest_works() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("web").await;
    let mut config = crate::proxy::web(1, &[("web-1", upstream.address, 1)]);
    for (path, port) in [("/", "http"), ("/other", "none"), ("bad", "http")] {
        config.routes.push(Route::new(None, path, "web".into(), port));
    }
    let applied = proxy.control.apply(&config).await.expect("the snapshot is taken");
    let parts: Vec<&str> = applied.problems.iter().map(|problem| problem.part.as_str()).collect();
    assert_eq!(
        parts,
        ["route */ of web port http", "route */other of web port none", "route *bad of web port http"],
        "{:?}",
        applied.problems
    );
    assert_eq!(get(proxy.http, "any.test", "/").await.release(), "web");
}

#[tokio::test]
async fn a_variant_is_chosen_by_header_or_cookie() {
    let proxy = Proxy::start().await;
    let (stable, preview) = (Upstream::start("stable").await, Upstream::start("preview").await);
    let mut config = crate::proxy::web(1, &[("web-1", stable.address, 1)]);
    let mut variant = Service::default();
    let endpoints = [("preview-1", preview.address, 1)];
    variant.ports.insert("http".into(), port(Protocol::Http, None, &endpoints));
    config.services.insert("preview".into(), variant);
    let pair = |name: &str| [(name.to_owned(), "preview".to_owned())].into();
    for (headers, cookies) in [(pair("X-Variant"), Default::default()), (Default::default(), pair("variant"))]
    {
        let route = Route::new(None, "/", "preview".into(), "http");
        config.routes.push(Route { headers, cookies, ..route });
    }
    proxy.apply(&config).await;
    for (name, value, expect) in [
        ("x-variant", "preview", "preview"),
        ("x-variant", "other", "stable"),
        ("cookie", "a=1; variant=preview", "preview"),
        ("cookie", "variant=previewed", "stable"),
        ("accept", "*/*", "stable"),
    ] {
        let mut request = crate::client::request(http::Method::GET, "shop.test", "/", "");
        request.headers_mut().insert(name, http::HeaderValue::from_static(value));
        let mut client = crate::client::Client::connect(proxy.http).await;
        assert_eq!(client.send(request).await.expect("an answer").release(), expect, "{name}: {value}");
    }
    let twice = config.routes[1].clone();
    config.routes.push(twice);
    config.version = 2;
    let applied = proxy.control.apply(&config).await.expect("the snapshot is taken");
    assert!(applied.problems[0].cause.contains("same host, path and conditions"), "{:?}", applied.problems);
}
