//! Listening, greeting and answering, as any plugin of this protocol family does; what the provider's own calls do is elsewhere.

use std::convert::Infallible;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use plugin::wire::messages::Empty;
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;
use tonic::body::Body;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::Provider;
use super::script::{Greeting, Network, Shutdown};
use super::secure::{self, Secured};
use super::{calls, journal};

/// What says that it is started as a plugin and not by hand.
const COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// How long an answer takes to be on its way when the process ends after it.
const FAREWELL: Duration = Duration::from_millis(20);

enum Listener {
    Unix(UnixListener, PathBuf),
    Tcp(TcpListener),
}

/// Greets, and answers until it is told to end.
pub(super) async fn serve(provider: Arc<Provider>) -> io::Result<()> {
    if variable(COOKIE.0).as_deref() != Some(COOKIE.1) {
        return Err(io::Error::other("this is a provider for tests; it is not meant to be run by hand"));
    }
    let script = &provider.script;
    let wanted = variable("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
    if !wanted.split(',').any(|version| version == script.protocol.to_string()) {
        let why = format!("the client speaks versions {wanted:?}, and the script says {}", script.protocol);
        return Err(io::Error::other(why));
    }
    for line in &script.stderr {
        eprintln!("{line}");
    }
    match &script.greeting {
        Greeting::Good | Greeting::Deaf => {}
        Greeting::Line(line) => say(line)?,
        Greeting::Silent => {}
        Greeting::Ends(code) => std::process::exit(*code),
    }
    if matches!(script.greeting, Greeting::Line(_) | Greeting::Silent) {
        return std::future::pending().await;
    }
    let client = variable("PLUGIN_CLIENT_CERT");
    let secured = secure::secured(script.certificate, client.as_deref()).map_err(io::Error::other)?;
    let listener = listen(script.network, &script.cloud).await?;
    let address = match &listener {
        Listener::Unix(_, path) => format!("unix|{}", path.display()),
        Listener::Tcp(listener) => format!("tcp|{}", listener.local_addr()?),
    };
    let certificate = secured.as_ref().map(|it| STANDARD_NO_PAD.encode(&it.announced)).unwrap_or_default();
    let line = format!("1|{}|{address}|grpc|{certificate}", script.protocol);
    if script.greeting == Greeting::Deaf {
        drop(listener);
        say(&line)?;
        return std::future::pending().await;
    }
    say(&line)?;
    accept(&provider, listener, secured).await
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Standard output belongs to the greeting.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

async fn listen(network: Network, folder: &Path) -> io::Result<Listener> {
    match network {
        Network::Unix => {
            let path = folder.join(format!("{}.sock", std::process::id()));
            Ok(Listener::Unix(UnixListener::bind(&path)?, path))
        }
        Network::Tcp => {
            let port = |name| variable(name).and_then(|text| text.parse::<u16>().ok());
            let (low, high) = (port("PLUGIN_MIN_PORT").unwrap_or(0), port("PLUGIN_MAX_PORT").unwrap_or(0));
            // Providers that start at the same time do not try the same ports.
            let many = u32::from(high.saturating_sub(low)) + 1;
            let first = std::process::id() % many;
            for at in 0..many.min(1000) {
                let port = u16::try_from(u32::from(low) + (first + at) % many).unwrap_or(low);
                match TcpListener::bind(("127.0.0.1", port)).await {
                    Ok(listener) => return Ok(Listener::Tcp(listener)),
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                    Err(error) => return Err(error),
                }
            }
            Err(io::ErrorKind::AddrInUse.into())
        }
    }
}

async fn accept(provider: &Arc<Provider>, listener: Listener, secured: Option<Secured>) -> io::Result<()> {
    let acceptor = secured.map(|secured| secured.acceptor);
    loop {
        tokio::select! {
            accepted = next(&listener) => {
                tokio::spawn(connection(provider.clone(), accepted?, acceptor.clone()));
            }
            () = provider.farewell.notified() => {
                tokio::time::sleep(FAREWELL).await;
                if let Listener::Unix(_, path) = &listener {
                    std::fs::remove_file(path)?;
                }
                return Ok(());
            }
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn next(listener: &Listener) -> io::Result<Box<dyn Stream>> {
    Ok(match listener {
        Listener::Unix(listener, _) => Box::new(listener.accept().await?.0),
        Listener::Tcp(listener) => {
            let stream = listener.accept().await?.0;
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
    })
}

async fn connection(provider: Arc<Provider>, stream: Box<dyn Stream>, acceptor: Option<TlsAcceptor>) {
    let stream: Box<dyn Stream> = match acceptor {
        None => stream,
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => Box::new(stream),
            Err(error) => {
                eprintln!("a client was turned away: {error}");
                return;
            }
        },
    };
    let answer = service_fn(move |request| {
        let provider = provider.clone();
        async move { Ok::<_, Infallible>(answer(provider, request).await) }
    });
    // A client that goes away is no fault of ours.
    let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
}

/// The answer of the health check that plugins have: it serves.
#[derive(Clone, PartialEq, Message)]
struct Health {
    #[prost(int32, tag = "1")]
    status: i32,
}

async fn answer(provider: Arc<Provider>, request: http::Request<Incoming>) -> http::Response<Body> {
    match request.uri().path() {
        "/plugin.GRPCController/Shutdown" => {
            let answer = tower::service_fn(move |_: Request<Empty>| shutdown(provider.clone()));
            tonic::server::Grpc::new(ProstCodec::<Empty, Empty>::default()).unary(answer, request).await
        }
        "/grpc.health.v1.Health/Check" => {
            let answer = tower::service_fn(|_: Request<Empty>| async {
                Ok::<_, Status>(Response::new(Health { status: 1 }))
            });
            tonic::server::Grpc::new(ProstCodec::<Health, Empty>::default()).unary(answer, request).await
        }
        _ => calls::answer(provider, request).await,
    }
}

async fn shutdown(provider: Arc<Provider>) -> Result<Response<Empty>, Status> {
    journal::add(&provider.script.cloud, "Shutdown", "", "")?;
    match provider.script.shutdown {
        Shutdown::Ends => {
            provider.farewell.notify_one();
            Ok(Response::new(Empty {}))
        }
        Shutdown::Refuses => Err(Status::permission_denied("not now")),
        Shutdown::Ignores => std::future::pending().await,
    }
}
