//! Real servers for tests, each the test's own: on loopback, started here and ended by their process ids. One that is not installed is
//! told, and the test that needs it is skipped.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The bucket that all cases share.
pub const BUCKET: &str = "states";

/// S3 as `moto_server` from PyPI plays it; a server of the test's own.
pub struct Moto {
    process: Child,
    port: u16,
}

impl Moto {
    /// Starts one; `None`, with the reason printed, where there is no moto.
    pub fn start() -> Option<Self> {
        let Some(program) = moto_program() else {
            println!("skipped: there is no `moto_server` here (`pip install 'moto[server]'`)");
            return None;
        };
        let port = free_port();
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, port };
        wait_for(port, "moto_server");
        server.put(&format!("/{BUCKET}"), b"");
        Some(server)
    }

    /// Writes an object past any gate, as Terraform would.
    pub fn put(&self, path: &str, body: &[u8]) {
        let answer = self.ask("PUT", path, body);
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }

    /// An answer with its head. Moto wants a signature, and looks at none.
    pub fn ask(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/octet-stream\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, \
             Signature=00\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.port,
            body.len()
        );
        forward(self.port, &[head.as_bytes(), body].concat()).unwrap()
    }

    /// Every object's key and content.
    pub fn objects(&self) -> Vec<(String, Vec<u8>)> {
        let listed = String::from_utf8(self.ask("GET", &format!("/{BUCKET}?list-type=2"), b"")).unwrap();
        let keys = listed.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_owned());
        keys.map(|key| {
            let answer = self.ask("GET", &format!("/{BUCKET}/{}", key.replace('=', "%3D")), b"");
            let at = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
            (key, answer[at..].to_vec())
        })
        .collect()
    }

    /// The port that it listens on, on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program: the one that `scripts/test` installs in the user's cache, or one on the PATH.
fn moto_program() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let installed = cache.and_then(|cache| std::fs::read_dir(cache.join("mainstay")).ok());
    let installed = installed.into_iter().flatten().flatten().filter_map(|entry| {
        let is_moto = entry.file_name().to_string_lossy().starts_with("moto-");
        Some(entry.path().join("bin/moto_server")).filter(|program| is_moto && program.exists())
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("moto_server"));
    installed.max().or_else(|| on_path.into_iter().find(|program| program.exists()))
}

/// A PostgreSQL server of the test's own.
pub struct Postgres {
    process: Child,
    _dir: TempDir,
    /// Where it is, with the user that made it.
    pub url: String,
}

impl Postgres {
    /// Starts one; `None`, with the reason printed, where there is no PostgreSQL.
    pub fn start() -> Option<Self> {
        let Some(programs) = postgres_programs() else {
            println!("skipped: there is no PostgreSQL here (`apt-get install postgresql`)");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        // The server refuses to run as root.
        let user = is_root().then(|| id_of("postgres").expect("Debian's package makes the user postgres"));
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(dir.path(), Some(uid), Some(gid)).unwrap();
        }
        let folder = dir.path().to_owned();
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
            if let Some((uid, gid)) = user {
                command.gid(gid).uid(uid);
            }
            command
        };
        let made = command("initdb")
            .args(["--no-sync", "--auth=trust", "--username=mainstay", "--encoding=UTF8", "-D"])
            .arg(&data)
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        let port = free_port();
        let process = command("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", "", "-c", "max_connections=50"])
            .spawn()
            .unwrap();
        let server = Self {
            process,
            _dir: dir,
            url: format!("postgres://mainstay@127.0.0.1:{port}/postgres?sslmode=disable"),
        };
        wait_for(port, "PostgreSQL");
        // It listens before it is ready.
        let begun = Instant::now();
        let ask = || {
            let mut ask = command("pg_isready");
            ask.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).status().unwrap().success()
        };
        while !ask() {
            assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL does not get ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The newest installed version's programs.
fn postgres_programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.sort();
    versions.pop().filter(|programs| programs.join("postgres").exists())
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

fn id_of(user: &str) -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.split(':').next() == Some(user))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// A port on loopback that nobody listens on.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens.
pub fn wait_for(port: u16, what: &str) {
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The server's answer; it closes its connection after each.
pub fn forward(server: u16, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut connection = TcpStream::connect(("127.0.0.1", server))?;
    connection.write_all(request)?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    Ok(answer)
}
