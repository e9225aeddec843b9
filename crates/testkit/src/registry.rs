//! An image registry for tests: Debian's `docker-registry`, each the test's own, on loopback. Where it is not installed that is told,
//! and the test that needs it is skipped.

mod token;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::servers::{free_port, wait_for};
use token::TokenServer;

/// The user that a registry with credentials knows.
pub const USER: &str = "ann";
/// Her password.
pub const PASSWORD: &str = "w0nderland-t0ken";

/// Whom a registry lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Everybody.
    Open,
    /// [`USER`], with a password in each request.
    Password,
    /// Whoever has a token of its token server, which everybody gets to pull, and [`USER`] to push.
    Token,
}

/// A registry that runs until it is dropped.
pub struct Registry {
    process: Option<Child>,
    folder: TempDir,
    port: u16,
    _tokens: Option<TokenServer>,
}

impl Registry {
    /// Starts an empty one; `None`, with the reason printed, where it is not installed.
    #[must_use]
    pub fn start(door: Door) -> Option<Self> {
        if program("docker-registry").is_none() {
            println!("skipped: there is no `docker-registry` here (`apt-get install docker-registry`)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (port, store) = (free_port(), folder.path().join("store"));
        let mut tokens = None;
        let auth = match door {
            Door::Open => String::new(),
            Door::Password => {
                let users = folder.path().join("users");
                std::fs::write(&users, format!("{USER}:{}\n", hash(PASSWORD))).unwrap();
                format!("auth:\n  htpasswd:\n    realm: tests\n    path: {}\n", users.display())
            }
            Door::Token => {
                let server = TokenServer::start();
                let bundle = folder.path().join("tokens.pem");
                std::fs::write(&bundle, server.certificate()).unwrap();
                let auth = format!(
                    "auth:\n  token:\n    realm: {}\n    service: tests\n    issuer: tests\n    rootcertbundle: {}\n",
                    server.url(),
                    bundle.display()
                );
                tokens = Some(server);
                auth
            }
        };
        let configuration = format!(
            "version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\n\
             http:\n  addr: 127.0.0.1:{port}\n{auth}",
            store.display()
        );
        std::fs::write(folder.path().join("config.yml"), configuration).unwrap();
        let mut registry = Self { process: None, folder, port, _tokens: tokens };
        registry.resume();
        Some(registry)
    }

    /// Its name as references have it: `127.0.0.1:PORT`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its port on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it; what it has stays.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it again after [`Registry::kill`].
    pub fn resume(&mut self) {
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(self.folder.path().join("config.yml"))
            .stdout(std::fs::File::options().create(true).append(true).open(self.log()).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        wait_for(self.port, "docker-registry");
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("access.log")
    }

    /// How many requests it has had that had this method and this in their path.
    #[must_use]
    pub fn requests(&self, method: &str, part: &str) -> usize {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let line = format!("\"{method} /v2/");
        log.lines().filter(|it| it.split_once(&line).is_some_and(|(_, rest)| rest.contains(part))).count()
    }

    /// The file that it keeps a blob in, by the 64 digits of its digest.
    #[must_use]
    pub fn blob(&self, hex: &str) -> PathBuf {
        let folder = self.folder.path().join("store/docker/registry/v2/blobs/sha256");
        folder.join(&hex[..2]).join(hex).join("data")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program of the PATH.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// A password as `htpasswd` keeps it. At the least cost that bcrypt has: it is paid for each request.
fn hash(password: &str) -> String {
    use base64::Engine as _;
    use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};
    const COST: u32 = 4;
    const SALT: [u8; 16] = *b"a salt for tests";
    let text = GeneralPurpose::new(&base64::alphabet::BCRYPT, NO_PAD);
    let hash = bcrypt::bcrypt(COST, SALT, &[password.as_bytes(), b"\0"].concat());
    format!("$2b$0{COST}${}{}", text.encode(SALT), text.encode(&hash[..23]))
}
