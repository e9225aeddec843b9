//! The web service: products on `/products`, orders by `POST /orders`, its health on `/healthz`.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::redis::{Answer, Redis};

/// Where the image keeps the release's settings.
const SETTINGS: &str = "/settings.json";

#[derive(Deserialize)]
struct Settings {
    release: String,
    greeting: String,
}

pub async fn serve() -> Result<()> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".into());
    // A container has a network of its own, so that all of its addresses are private; a process shares the host's.
    let host = std::env::var("HOST").unwrap_or_else(|_| "127.0.0.1".into());
    let listener =
        TcpListener::bind(format!("{host}:{port}")).await.with_context(|| format!("port {port}"))?;
    let settings = Arc::new(read_settings());
    match settings.as_ref() {
        Ok(settings) => println!("release {} listens on {host}:{port}", settings.release),
        Err(error) => eprintln!("not ready: {error}"),
    }
    let graceful = GracefulShutdown::new();
    let mut stopped = std::pin::pin!(crate::stopped());
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            () = &mut stopped => break,
        };
        let _ = stream.set_nodelay(true);
        let settings = settings.clone();
        let service = service_fn(move |request| answer(request, settings.clone()));
        let connection =
            graceful.watch(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            let _ = connection.await;
        });
    }
    println!("stopping: finishing what is in flight");
    graceful.shutdown().await;
    Ok(())
}

fn read_settings() -> Result<Settings, String> {
    let path = std::env::var("SETTINGS").unwrap_or_else(|_| SETTINGS.into());
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    serde_json::from_str(&text).map_err(|e| format!("{path}: {e}"))
}

async fn answer(
    request: Request<Incoming>,
    settings: Arc<Result<Settings, String>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let settings = match settings.as_ref() {
        Ok(settings) => settings,
        Err(error) => return Ok(respond("none", StatusCode::INTERNAL_SERVER_ERROR, error.clone())),
    };
    let result = match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => Ok(format!("{} (release {})\n", settings.greeting, settings.release)),
        (&Method::GET, "/healthz") => healthy().await,
        (&Method::GET, "/products") => products().await,
        (&Method::POST, "/orders") => order().await,
        _ => return Ok(respond(&settings.release, StatusCode::NOT_FOUND, "no such page\n".into())),
    };
    Ok(match result {
        Ok(text) => respond(&settings.release, StatusCode::OK, text),
        Err(error) => respond(&settings.release, StatusCode::BAD_GATEWAY, format!("{error:#}\n")),
    })
}

fn respond(release: &str, status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    if let Ok(release) = release.parse() {
        response.headers_mut().insert("x-release", release);
    }
    response
}

/// Ready is who reaches its database.
async fn healthy() -> Result<String> {
    Redis::connect(&crate::cache()).await?.ask(&["PING"]).await?;
    Ok("ok\n".into())
}

async fn products() -> Result<String> {
    let mut redis = Redis::connect(&crate::cache()).await?;
    let Answer::List(keys) = redis.ask(&["KEYS", "product:*"]).await? else { return Ok(String::new()) };
    let mut products = Vec::new();
    for key in keys {
        if let Answer::Text(key) = key
            && let Answer::Text(product) = redis.ask(&["GET", &key]).await?
        {
            products.push(product);
        }
    }
    products.sort();
    Ok(format!("{}\n", products.join("\n")))
}

async fn order() -> Result<String> {
    let mut redis = Redis::connect(&crate::cache()).await?;
    match redis.ask(&["LPUSH", "orders", "order"]).await? {
        Answer::Number(waiting) => Ok(format!("{waiting} waiting\n")),
        other => anyhow::bail!("Redis answered {other:?}"),
    }
}
