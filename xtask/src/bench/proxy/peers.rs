//! The proxies that are measured, each in front of the same upstream, with a plain and a TLS address. They run on loopback with
//! their files in a folder of the benchmark's own, and end with it.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use proxy::{Certificate, Config, Control, Endpoint, Limits, Port, Protocol, Route, Service};

/// What the upstream answers with: a small page.
const PAGE_BYTES: usize = 512;

/// Connections of the machine's load at a time are at most so many.
const DESCRIPTORS: u32 = 8192;

/// A program that runs, and its processes.
pub struct Peer {
    pub name: &'static str,
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    process: Child,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // nginx's master ends its workers at SIGQUIT and SIGTERM, and not when it is killed.
        let pid = nix::unistd::Pid::from_raw(self.process.id().cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

impl Peer {
    /// The processes that do its work: itself and its children.
    pub fn pids(&self) -> Vec<u32> {
        let own = self.process.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        std::iter::once(own).chain(children.split_whitespace().filter_map(|pid| pid.parse().ok())).collect()
    }
}

/// Files of a certificate for `localhost`.
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

pub fn certificate(folder: &Path) -> Result<Files> {
    let (certificate, key) = (folder.join("bench.pem"), folder.join("bench.key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-subj", "/CN=localhost", "-days", "2", "-out"])
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .output()
        .context("openssl could not be started")?;
    if !made.status.success() {
        bail!("no certificate: {}", String::from_utf8_lossy(&made.stderr));
    }
    // haproxy wants both in one file.
    let both = [fs::read(&certificate)?, fs::read(&key)?].concat();
    fs::write(folder.join("both.pem"), both)?;
    Ok(Files { certificate, key })
}

fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn started(name: &'static str, process: Child, plain: SocketAddr, tls: SocketAddr) -> Result<Peer> {
    let mut peer = Peer { name, plain, tls, process };
    let begun = Instant::now();
    while TcpStream::connect(plain).is_err() || TcpStream::connect(tls).is_err() {
        if begun.elapsed() > Duration::from_secs(10) || peer.process.try_wait()?.is_some() {
            bail!("{name} does not listen");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(peer)
}

fn nginx(folder: &Path, name: &'static str, workers: u32, http: &str) -> Result<Child> {
    let own = folder.join(name);
    fs::create_dir_all(&own)?;
    let path = own.join("nginx.conf");
    let at = own.display();
    let text = format!(
        "daemon off;\nworker_processes {workers};\npid {at}/pid;\nerror_log {at}/error.log warn;\n\
         worker_rlimit_nofile {DESCRIPTORS};\nevents {{ worker_connections {DESCRIPTORS}; }}\n\
         http {{\naccess_log off;\nkeepalive_requests 1000000000;\nkeepalive_timeout 600s;\n\
         client_body_temp_path {at}/a;\nproxy_temp_path {at}/b;\nfastcgi_temp_path {at}/c;\n\
         uwsgi_temp_path {at}/d;\nscgi_temp_path {at}/e;\n{http}\n}}\n"
    );
    fs::write(&path, text)?;
    Command::new("nginx")
        .arg("-c")
        .arg(&path)
        .arg("-e")
        .arg(own.join("error.log"))
        .arg("-p")
        .arg(&own)
        .stdin(Stdio::null())
        .spawn()
        .context("nginx could not be started")
}

/// The upstream of all: nginx with one page.
pub fn upstream(folder: &Path) -> Result<Peer> {
    let (address, other) = (free()?, free()?);
    let page = "x".repeat(PAGE_BYTES);
    let server = |address| {
        format!("server {{ listen {address} backlog=4096; location / {{ return 200 \"{page}\"; }} }}\n")
    };
    let http = format!("{}{}", server(address), server(other));
    started("upstream", nginx(folder, "upstream", 1, &http)?, address, other)
}

/// nginx as a proxy that keeps connections to the upstream.
pub fn nginx_peer(folder: &Path, files: &Files, upstream: SocketAddr, threads: u32) -> Result<Peer> {
    let (plain, tls) = (free()?, free()?);
    let http = format!(
        "upstream page {{ server {upstream}; keepalive 512; keepalive_requests 1000000000; }}\n\
         server {{ listen {plain} backlog=4096; listen {tls} ssl http2 backlog=4096;\n\
         ssl_certificate {}; ssl_certificate_key {};\n\
         location / {{ proxy_pass http://page; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
         proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; }} }}\n",
        files.certificate.display(),
        files.key.display()
    );
    started("nginx", nginx(folder, "nginx", threads, &http)?, plain, tls)
}

/// haproxy as a proxy that keeps connections to the upstream.
pub fn haproxy_peer(folder: &Path, upstream: SocketAddr, threads: u32) -> Result<Peer> {
    let (plain, tls) = (free()?, free()?);
    let path = folder.join("haproxy.cfg");
    let text = format!(
        "global\n  nbthread {threads}\n  maxconn {DESCRIPTORS}\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 600s\n  \
         timeout server 600s\n  http-reuse always\nfrontend in\n  bind {plain}\n  bind {tls} ssl crt {}/both.pem alpn h2,http/1.1\n  \
         option forwardfor\n  default_backend page\nbackend page\n  server one {upstream} pool-max-conn 512\n",
        folder.display()
    );
    fs::write(&path, text)?;
    let process =
        Command::new("haproxy").arg("-db").arg("-q").arg("-f").arg(&path).stdin(Stdio::null()).spawn();
    started("haproxy", process.context("haproxy could not be started")?, plain, tls)
}

/// Our proxy.
pub fn ours(folder: &Path, binary: &Path, files: &Files, upstream: SocketAddr) -> Result<Peer> {
    let (plain, tls) = (free()?, free()?);
    let socket = folder.join("control.sock");
    let process = Command::new(binary)
        .arg(plain.to_string())
        .arg(&socket)
        .arg(folder.join("lock"))
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("{} could not be started", binary.display()))?;
    // Ended with the peer, whatever happens from here on.
    let peer = Peer { name: "ours", plain, tls, process };
    let endpoint = Endpoint { instance: "page-1".into(), address: upstream, weight: 1, release: None };
    let port = Port {
        protocol: Protocol::Http,
        listen: None,
        publish: None,
        limits: Limits::default(),
        endpoints: vec![endpoint],
    };
    let mut config = Config { version: 1, https: Some(tls), ..Config::default() };
    config.services.insert("page".into(), Service { ports: [("http".into(), port)].into() });
    config.routes.push(Route::new(None, "/", "page".into(), "http"));
    config.certificates.push(Certificate {
        host: None,
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        redirect: false,
        service: "page".into(),
    });
    let control = Control::new(socket);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let begun = Instant::now();
        loop {
            match control.apply(&config).await {
                Ok(applied) if applied.problems.is_empty() => return Ok(()),
                Ok(applied) => bail!("our proxy does not take its snapshot: {:?}", applied.problems),
                Err(fault) if begun.elapsed() > Duration::from_secs(10) => bail!("{fault}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })?;
    Ok(peer)
}
