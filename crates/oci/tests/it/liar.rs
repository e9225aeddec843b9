//! A registry of the tests' own that says what no registry should: it answers each request as a script says.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oci::registry::{DockerConfig, Patience, Pulled, Registries, RegistryError, Settings, Silent};
use oci::{Digest, Layout, Platform, Reference};
use serde_json::{Value as Json, json};

use crate::images::{RawTar, gzip};
use crate::registry::run;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What is answered to one request.
#[derive(Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Says another length than it has.
    pub length: Option<u64>,
    /// Closes after so many bytes of the body.
    pub cut: Option<usize>,
    /// Sends no more after so many bytes of the body, and does not close either.
    pub stall: Option<usize>,
}

pub fn ok(body: &[u8]) -> Answer {
    Answer { status: 200, body: body.to_vec(), ..Answer::default() }
}

pub fn status(status: u16, body: &str) -> Answer {
    Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() }
}

/// A request: its path after `/v2/a/`, and where its `Range` begins.
pub struct Asked {
    pub path: String,
    pub from: Option<usize>,
}

pub type Script = dyn Fn(&Asked) -> Answer + Send + Sync;

/// A server on loopback that answers as a script says.
pub struct Liar {
    pub port: u16,
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Liar {
    pub fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, script): (Arc<Mutex<Vec<String>>>, Arc<Script>) = (Arc::default(), Arc::new(script));
        let noted = asked.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (noted, script) = (noted.clone(), script.clone());
                std::thread::spawn(move || serve(connection, &noted, &*script));
            }
        });
        Self { port, asked }
    }

    pub fn reference(&self) -> Reference {
        format!("127.0.0.1:{}/a:1", self.port).parse().unwrap()
    }

    pub fn asked(&self, part: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|it| it.contains(part)).count()
    }
}

pub fn serve(mut connection: TcpStream, noted: &Mutex<Vec<String>>, script: &Script) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|it| it == b"\r\n\r\n") {
        match connection.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap().trim_start_matches("/v2/a/").to_owned();
    let range = request
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
    noted.lock().unwrap().push(format!("{path} {range:?}"));
    let answer = script(&Asked { path, from: range });
    let length = answer.length.unwrap_or(answer.body.len() as u64);
    let mut head =
        format!("HTTP/1.1 {} X\r\nContent-Length: {length}\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let end = answer.cut.or(answer.stall).unwrap_or(answer.body.len()).min(answer.body.len());
    let sent = connection
        .write_all(format!("{head}\r\n").as_bytes())
        .and_then(|()| connection.write_all(&answer.body[..end]));
    if sent.is_ok() && answer.stall.is_some() {
        // Until the other side has had enough.
        let _ = connection.read(&mut buffer);
    }
}

/// An image as a registry has it.
#[derive(Clone)]
pub struct Image {
    pub manifest: Vec<u8>,
    pub blobs: BTreeMap<String, Vec<u8>>,
    pub layer: Digest,
}

impl Image {
    /// Of one layer, whose tar has noise enough that it does not become small.
    pub fn new(tar: RawTar) -> Self {
        let tar = tar.bytes();
        Self::of_blob(gzip(&tar), Digest::of(&tar), |_| {})
    }

    pub fn of_blob(blob: Vec<u8>, diff_id: Digest, change: impl FnOnce(&mut Json)) -> Self {
        let config = json!({ "architecture": Platform::host().architecture, "os": "linux", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [diff_id] } });
        let config = serde_json::to_vec(&config).unwrap();
        let (layer, digest) = (Digest::of(&blob), Digest::of(&config));
        let mut manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST,
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": config.len() },
            "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer, "size": blob.len() }] });
        change(&mut manifest);
        let blobs = [(digest.to_string(), config), (layer.to_string(), blob)].into();
        Self { manifest: serde_json::to_vec(&manifest).unwrap(), blobs, layer }
    }

    /// As it should be answered, with parts.
    pub fn answer(&self, asked: &Asked) -> Answer {
        if asked.path.starts_with("manifests/") {
            return Answer { headers: vec![("content-type", MANIFEST.into())], ..ok(&self.manifest) };
        }
        let Some(blob) = asked.path.strip_prefix("blobs/").and_then(|digest| self.blobs.get(digest)) else {
            return status(404, "");
        };
        match asked.from {
            None => ok(blob),
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", blob.len() - 1, blob.len());
                Answer { status: 206, headers: vec![("content-range", range)], ..ok(&blob[from..]) }
            }
        }
    }

    pub fn is_layer(&self, asked: &Asked) -> bool {
        asked.path == format!("blobs/{}", self.layer)
    }
}

pub fn noise() -> RawTar {
    let noise: String = (0..20_000u32).map(|at| Digest::of(&at.to_le_bytes()).hex()).collect();
    RawTar::default().file("noise", &noise)
}

pub fn impatient() -> Registries {
    let patience = Patience {
        connect: Duration::from_secs(5),
        read: Duration::from_millis(300),
        attempts_max: 3,
        retry_delay: Duration::from_millis(2),
    };
    Registries::new(Settings { registries: BTreeMap::new(), patience }, DockerConfig::default())
}

pub fn pull(liar: &Liar, layout: &Layout) -> Result<Pulled, RegistryError> {
    run(impatient().pull(&liar.reference(), layout, &Platform::host(), Some("app"), &Silent))
}
