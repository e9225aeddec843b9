//! The first hop: straight, or through a proxy.
//!
//! A proxy is asked to connect us, and from then on is a pipe. It is not spoken to over TLS.

use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_socks::tcp::Socks5Stream;

use crate::connection::{Machine, Proxy, ProxyScheme};
use crate::ssh::SshError;

/// A connection of whatever kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Dials a machine.
pub(crate) async fn dial(machine: &Machine, proxy: Option<&Proxy>) -> Result<Box<dyn Stream>, SshError> {
    let Some(proxy) = proxy else {
        return Ok(Box::new(tcp(&machine.host, machine.port).await?));
    };
    let stream = tcp(&proxy.host, proxy.port).await?;
    let connected = match proxy.scheme {
        ProxyScheme::Http => through_http(stream, proxy, machine).await,
        ProxyScheme::Socks5 => through_socks5(stream, proxy, machine).await,
    };
    let failed = |cause| SshError::Proxy { address: address(&proxy.host, proxy.port), cause };
    connected.map_err(failed)
}

/// `host:port`, with an IPv6 address in brackets.
pub(crate) fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

async fn tcp(host: &str, port: u16) -> Result<TcpStream, SshError> {
    let connected = async {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    connected.await.map_err(|cause| SshError::Dial { address: address(host, port), cause })
}

async fn through_socks5(
    stream: TcpStream,
    proxy: &Proxy,
    machine: &Machine,
) -> Result<Box<dyn Stream>, String> {
    let to = (machine.host.as_str(), machine.port);
    let connected = match &proxy.user {
        Some(user) => {
            let password = proxy.password.as_deref().unwrap_or_default();
            Socks5Stream::connect_with_password_and_socket(stream, to, user, password).await
        }
        None => Socks5Stream::connect_with_socket(stream, to).await,
    };
    Ok(Box::new(connected.map_err(|error| error.to_string())?.into_inner()))
}

async fn through_http(
    stream: TcpStream,
    proxy: &Proxy,
    machine: &Machine,
) -> Result<Box<dyn Stream>, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| text(&error))?;
    // It drives the exchange, and hands the connection over once the proxy has answered; then it ends.
    tokio::spawn(connection.with_upgrades());
    let to = address(&machine.host, machine.port);
    let mut request = Request::builder().method(Method::CONNECT).uri(&to).header(HOST, &to);
    if let Some(user) = &proxy.user {
        let secret = format!("{user}:{}", proxy.password.as_deref().unwrap_or_default());
        let mut value = HeaderValue::try_from(format!("Basic {}", base64(secret.as_bytes())))
            .map_err(|error| text(&error))?;
        value.set_sensitive(true);
        request = request.header(PROXY_AUTHORIZATION, value);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| text(&error))?;
    let response = sender.send_request(request).await.map_err(|error| text(&error))?;
    if response.status() != StatusCode::OK {
        return Err(format!("it answered {}", response.status()));
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(|error| text(&error))?;
    Ok(Box::new(TokioIo::new(upgraded)))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
