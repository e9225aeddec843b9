//! S3 as `moto_server` from PyPI plays it, behind a gate of the test's own.
//!
//! The gate lets one write through at a time: S3 looks at a condition and writes in one step, moto in two. It counts the writes, and
//! can be shut before or after any of them, as if the writer had been killed there.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use store::{S3Credentials, S3Options};

pub use testkit::servers::BUCKET;
use testkit::servers::forward;

/// The server, and what lets one write through at a time.
pub struct Moto {
    server: testkit::servers::Moto,
    one_at_a_time: Arc<Mutex<()>>,
}

impl Moto {
    /// Starts one; `None`, with the reason printed, where there is no moto.
    pub fn start() -> Option<Self> {
        Some(Self { server: testkit::servers::Moto::start()?, one_at_a_time: Arc::default() })
    }

    pub fn gate(&self) -> Gate {
        Gate::open(self.server.port(), self.one_at_a_time.clone())
    }
}

impl std::ops::Deref for Moto {
    type Target = testkit::servers::Moto;

    fn deref(&self) -> &Self::Target {
        &self.server
    }
}

/// Where a gate is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    /// Before the write of this number: it is not made.
    Before(u64),
    /// After it: it is made, and the answer is lost.
    After(u64),
    /// Only for the answer to it; all that follows comes through.
    Answer(u64),
}

/// A way to the server.
#[derive(Clone)]
pub struct Gate {
    port: u16,
    state: Arc<GateState>,
}

struct GateState {
    server: u16,
    one_at_a_time: Arc<Mutex<()>>,
    writes: AtomicU64,
    shut: Mutex<Option<Shut>>,
    forgets_conditions: AtomicBool,
    paths: Mutex<Vec<String>>,
}

impl Gate {
    fn open(server: u16, one_at_a_time: Arc<Mutex<()>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(GateState {
            server,
            one_at_a_time,
            writes: AtomicU64::new(0),
            shut: Mutex::default(),
            forgets_conditions: AtomicBool::new(false),
            paths: Mutex::default(),
        });
        let serving = state.clone();
        // It ends with the test's process.
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = serving.clone();
                std::thread::spawn(move || state.serve(connection));
            }
        });
        Self { port, state }
    }

    /// How many writes have come so far.
    pub fn writes(&self) -> u64 {
        self.state.writes.load(Ordering::SeqCst)
    }

    /// Method and path of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.state.paths.lock().unwrap().clone()
    }

    /// Shuts it at a write to come.
    pub fn shut(&self, at: Shut) {
        *self.state.shut.lock().unwrap() = Some(at);
    }

    /// From now on conditions are not passed on, as by a server that knows none.
    pub fn forget_conditions(&self) {
        self.state.forgets_conditions.store(true, Ordering::SeqCst);
    }

    /// A key behind this gate.
    pub fn options(&self, key: &str) -> S3Options {
        let credentials =
            S3Credentials::Keys { access_key: "test".into(), secret_key: "test".into(), token: None };
        let mut options = S3Options::new(BUCKET, key, credentials);
        options.endpoint = Some(self.address());
        options.checksums = true;
        options
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl GateState {
    /// One request of a connection; who has another one comes again.
    fn serve(&self, mut client: TcpStream) {
        let Some((mut request, first)) = request(&mut client) else { return };
        if self.forgets_conditions.load(Ordering::SeqCst) {
            for name in [&b"\r\nif-match:"[..], b"\r\nif-none-match:"] {
                if let Some(at) = request.windows(name.len()).position(|window| window == name) {
                    request[at + 2] = b'x';
                }
            }
        }
        self.paths.lock().unwrap().push(first.clone());
        if first.starts_with("GET") || first.starts_with("HEAD") {
            if !self.is_shut(self.writes.load(Ordering::SeqCst)) {
                answer(client, forward(self.server, &request));
            }
            return;
        }
        let _one = self.one_at_a_time.lock().unwrap();
        let number = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        let shut = *self.shut.lock().unwrap();
        match shut {
            Some(Shut::Before(at)) if number >= at => {}
            Some(Shut::After(at)) if number > at => {}
            Some(Shut::After(at) | Shut::Answer(at)) if number == at => drop(forward(self.server, &request)),
            _ => answer(client, forward(self.server, &request)),
        }
    }

    /// Whether so many writes are enough.
    fn is_shut(&self, writes: u64) -> bool {
        matches!(*self.shut.lock().unwrap(), Some(Shut::Before(at) | Shut::After(at)) if writes >= at)
    }
}

/// A whole request, and its first line.
fn request(client: &mut TcpStream) -> Option<(Vec<u8>, String)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 1 << 16];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, length)| length.trim().parse::<usize>().unwrap());
            let had = bytes.len();
            bytes.resize(end + 4 + length, 0);
            client.read_exact(&mut bytes[had..]).ok()?;
            let first = head.lines().next()?.rsplit_once(' ')?.0.to_owned();
            return Some((bytes, first));
        }
        match client.read(&mut buffer).ok()? {
            0 => return None,
            more => bytes.extend_from_slice(&buffer[..more]),
        }
    }
}

fn answer(mut client: TcpStream, answer: std::io::Result<Vec<u8>>) {
    // Whoever asked may be gone.
    let _ = client.write_all(&answer.unwrap_or_default());
}
