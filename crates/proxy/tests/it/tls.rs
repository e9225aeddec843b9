//! TLS at the entry, with certificates from files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{Method, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use proxy::{Certificate, Config};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::{Client, request};
use crate::proxy::{PATIENCE, Proxy, free_address, until, web};
use crate::upstream::Upstream;

/// A certificate for a host in files, made and signed by itself.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    root: CertificateDer<'static>,
}

/// Writes both files anew, each at once, as whoever renews them does.
fn write(folder: &Path, name: &str, host: &str) -> Files {
    let made = rcgen::generate_simple_self_signed([host.to_owned()]).expect("a certificate");
    let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    for (path, text) in [(&key, made.signing_key.serialize_pem()), (&certificate, made.cert.pem())] {
        let fresh = path.with_extension("new");
        std::fs::write(&fresh, text).expect("a file");
        std::fs::rename(&fresh, path).expect("its name");
    }
    Files { certificate, key, root: made.cert.der().clone() }
}

fn config(version: u64, upstream: &Upstream, hosts: &[(Option<&str>, &Files, bool)]) -> Config {
    let mut config = web(version, &[("a-1", upstream.address, 1)]);
    config.certificates = hosts
        .iter()
        .map(|(host, files, redirect)| Certificate {
            host: host.map(str::to_owned),
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            redirect: *redirect,
            service: "web".into(),
        })
        .collect();
    config
}

/// A TLS connection that believes one certificate.
async fn connect(
    address: SocketAddr,
    host: &str,
    root: &CertificateDer<'static>,
    alpn: &[&[u8]],
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(host.to_owned()).expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn get(address: SocketAddr, host: &str, root: &CertificateDer<'static>) -> std::io::Result<String> {
    let stream = connect(address, host, root, &[b"http/1.1"], rustls::ALL_VERSIONS).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a handshake");
    tokio::spawn(connection);
    let request = http::Request::get("/headers").header("host", host).body(Empty::<bytes::Bytes>::new());
    let answer = sender.send_request(request.expect("a request")).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn each_host_shows_its_own_certificate_and_others_the_one_for_any() {
    let proxy = Proxy::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let upstream = Upstream::start("a").await;
    let (shop, blog, any) = (
        write(folder.path(), "shop", "shop.test"),
        write(folder.path(), "blog", "blog.test"),
        write(folder.path(), "any", "else.test"),
    );
    let hosts = [(Some("Shop.test"), &shop, false), (Some("blog.test"), &blog, false), (None, &any, false)];
    proxy.apply(&config(1, &upstream, &hosts)).await;
    for (host, files) in [("shop.test", &shop), ("blog.test", &blog), ("else.test", &any)] {
        let seen = get(proxy.http, host, &files.root).await.expect("a connection");
        assert!(seen.contains("x-forwarded-proto: https\n"), "{seen}");
    }
    assert!(get(proxy.http, "shop.test", &blog.root).await.is_err());
    // The same address serves those who speak no TLS.
    assert_eq!(Client::connect(proxy.http).await.get("/").await.status, StatusCode::OK);
    proxy.apply(&config(2, &upstream, &hosts[..2])).await;
    assert!(get(proxy.http, "else.test", &any.root).await.is_err());
}

#[tokio::test]
async fn http_2_is_agreed_on_and_old_versions_of_tls_are_not() {
    let proxy = Proxy::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let upstream = Upstream::start("a").await;
    let files = write(folder.path(), "shop", "shop.test");
    proxy.apply(&config(1, &upstream, &[(None, &files, false)])).await;
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13]] {
        let alpn = [&b"h2"[..], b"http/1.1"];
        let stream = connect(proxy.http, "shop.test", &files.root, &alpn, versions).await.expect("TLS");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .expect("a handshake");
        tokio::spawn(connection);
        let answer = sender.send_request(crate::http2::absolute(Method::GET, "shop.test", "/", "")).await;
        assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
    }
    // A ClientHello of TLS 1.1, as far as its version: the answer is the alert `protocol_version` (RFC 5246, 7.2).
    let mut hello = vec![0x16, 3, 1, 0, 55, 1, 0, 0, 51, 3, 2];
    hello.extend([0; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
    let mut stream = TcpStream::connect(proxy.http).await.expect("the proxy accepts");
    tokio::io::AsyncWriteExt::write_all(&mut stream, &hello).await.expect("the proxy reads");
    let mut alert = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut alert).await;
    assert_eq!((alert[0], alert[5..].to_vec()), (0x15, vec![2, 70]), "{alert:?}");
}

#[tokio::test]
async fn a_changed_certificate_is_shown_and_a_broken_one_is_not() {
    let proxy = Proxy::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let upstream = Upstream::start("a").await;
    let old = write(folder.path(), "shop", "shop.test");
    proxy.apply(&config(1, &upstream, &[(Some("shop.test"), &old, false)])).await;
    assert!(get(proxy.http, "shop.test", &old.root).await.is_ok());
    let new = write(folder.path(), "shop", "shop.test");
    until("the new one is shown", async || get(proxy.http, "shop.test", &new.root).await.is_ok()).await;
    assert!(get(proxy.http, "shop.test", &old.root).await.is_err());

    std::fs::write(&new.certificate, "no certificate").expect("a file");
    let newest = write(folder.path(), "other", "other.test");
    // Given again, the snapshot says what is wrong, and what was there goes on.
    let mut again =
        config(2, &upstream, &[(Some("shop.test"), &new, false), (Some("other.test"), &newest, false)]);
    let applied = proxy.control.apply(&again).await.expect("the snapshot is taken");
    let _ = &applied;
    assert!(get(proxy.http, "shop.test", &new.root).await.is_ok());
    assert!(get(proxy.http, "other.test", &newest.root).await.is_ok());
    again.version = 3;
    again.certificates.clear();
    proxy.apply(&again).await;
    assert!(get(proxy.http, "shop.test", &new.root).await.is_err());
}

#[tokio::test]
async fn certificates_that_cannot_be_had_are_reported_with_their_files() {
    let proxy = Proxy::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let upstream = Upstream::start("a").await;
    let (one, other) = (write(folder.path(), "one", "one.test"), write(folder.path(), "other", "other.test"));
    let check = async |certificate: &Path, key: &Path, cause: &str| {
        let files = Files { certificate: certificate.into(), key: key.into(), root: one.root.clone() };
        let host = format!("{}.test", cause.len());
        let applied = proxy.control.apply(&config(1, &upstream, &[(Some(&host), &files, false)])).await;
        let problems = applied.expect("the snapshot is taken").problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].part, format!("certificate for {host} of web at the entry"));
        assert!(problems[0].cause.contains(cause), "{} has no {cause}", problems[0].cause);
        assert!(
            problems[0].cause.contains(&*certificate.to_string_lossy())
                || problems[0].cause.contains(&*key.to_string_lossy())
        );
    };
    check(&folder.path().join("none.pem"), &one.key, "cannot be read").await;
    check(&one.key, &one.key, "has no certificate in PEM").await;
    check(&one.certificate, &one.certificate, "is no private key in PEM").await;
    check(&one.certificate, &other.key, "cannot be used together").await;

    let twice = [(Some("one.test"), &one, false), (Some("ONE.test"), &other, false)];
    let applied = proxy.control.apply(&config(2, &upstream, &twice)).await.expect("the snapshot is taken");
    assert!(applied.problems[0].cause.contains("for the same host"), "{:?}", applied.problems);
    assert!(get(proxy.http, "one.test", &one.root).await.is_ok());
}

#[tokio::test]
async fn plain_requests_are_sent_to_https_when_asked() {
    let proxy = Proxy::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let upstream = Upstream::start("a").await;
    let (shop, blog) = (write(folder.path(), "shop", "shop.test"), write(folder.path(), "blog", "blog.test"));
    let hosts = [(Some("shop.test"), &shop, true), (Some("blog.test"), &blog, false)];
    let mut config = config(1, &upstream, &hosts);
    proxy.apply(&config).await;
    let mut client = Client::connect(proxy.http).await;
    let mut ask = async |host: &str| {
        let answer = client.send(request(Method::POST, host, "/cart?x=1", "")).await.expect("an answer");
        let location =
            answer.headers.get("location").map(|place| place.to_str().unwrap_or_default().to_owned());
        (answer.status, location)
    };
    let own = format!("https://shop.test:{}/cart?x=1", proxy.http.port());
    assert_eq!(ask("shop.test:81").await, (StatusCode::PERMANENT_REDIRECT, Some(own)));
    assert_eq!(ask("blog.test").await, (StatusCode::OK, None));

    let https = free_address();
    (config.version, config.https) = (2, Some(https));
    proxy.apply(&config).await;
    let place = format!("https://shop.test:{}/cart?x=1", https.port());
    assert_eq!(ask("SHOP.test").await, (StatusCode::PERMANENT_REDIRECT, Some(place)));
    assert!(get(https, "shop.test", &shop.root).await.is_ok());
    // Over TLS nothing is redirected, at whichever address.
    assert!(get(proxy.http, "shop.test", &shop.root).await.is_ok());
}

#[tokio::test]
async fn a_handshake_that_is_not_ended_holds_nothing() {
    let proxy =
        Proxy::start_with(|options| options.patience.head = std::time::Duration::from_millis(100)).await;
    for opening in [&[0x16, 3, 1][..], b"PR", b"", b"GET / HT"] {
        let mut stream = TcpStream::connect(proxy.http).await.expect("the proxy accepts");
        tokio::io::AsyncWriteExt::write_all(&mut stream, opening).await.expect("the proxy reads");
        let mut rest = Vec::new();
        let ended =
            tokio::time::timeout(PATIENCE, tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest))
                .await;
        assert!(ended.is_ok(), "{opening:?} is waited for");
    }
}
