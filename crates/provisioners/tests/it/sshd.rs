//! A real OpenSSH server on loopback, with keys of its own, for the current user.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use value::Value;

use crate::rig::text;

/// Running until it is dropped.
pub struct Sshd {
    pub port: u16,
    /// `host`, `user` and their `.pub`, and whatever a test puts there.
    pub folder: TempDir,
    child: Child,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server; `None`, having said so, where there is none.
pub fn sshd() -> Option<Sshd> {
    sshd_with(|_| String::new())
}

/// The server with more lines of configuration, which may use files made in its folder before it starts.
pub fn sshd_with(more: impl Fn(&Path) -> String) -> Option<Sshd> {
    let Some(program) = program() else {
        eprintln!("skipped: there is no sshd (Debian: openssh-server)");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    keygen(&folder.path().join("host"), &["-t", "ed25519"]);
    keygen(&folder.path().join("user"), &["-t", "ed25519"]);
    fs::copy(folder.path().join("user.pub"), folder.path().join("authorized_keys")).unwrap();
    let more = more(folder.path());
    // The port is free when it is looked for, and may be taken before the server has it: then another is tried.
    for _ in 0..10 {
        let port = free_port();
        if let Some(child) = start(&program, folder.path(), port, &more) {
            return Some(Sshd { port, folder, child });
        }
    }
    panic!("sshd does not start: {}", fs::read_to_string(folder.path().join("log")).unwrap_or_default());
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn program() -> Option<PathBuf> {
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"].iter().map(PathBuf::from).find(|p| p.exists())
}

fn start(program: &Path, folder: &Path, port: u16, more: &str) -> Option<Child> {
    if nix::unistd::geteuid().is_root() {
        // Debian's server wants this folder, which its service would make.
        fs::create_dir_all("/run/sshd").unwrap();
    }
    let file = |name: &str| folder.join(name).display().to_string();
    let configuration = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nAuthorizedKeysFile {}\nStrictModes no\n\
         UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
         MaxStartups 100\nSubsystem sftp internal-sftp\n{more}\n",
        file("host"),
        file("authorized_keys"),
    );
    fs::write(folder.join("sshd_config"), configuration).unwrap();
    let mut child = Command::new(program)
        .args(["-D", "-f", &file("sshd_config"), "-E", &file("log")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..400 {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        if greets(port) {
            return Some(child);
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn greets(port: u16) -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
    let mut greeting = [0; 4];
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    stream.read_exact(&mut greeting).is_ok() && &greeting == b"SSH-"
}

/// Makes a key pair without a passphrase.
pub fn keygen(path: &Path, options: &[&str]) {
    keygen_with(path, "", options);
}

/// Makes a key pair.
pub fn keygen_with(path: &Path, passphrase: &str, options: &[&str]) {
    command("ssh-keygen", |c| {
        c.args(["-q", "-N", passphrase, "-C", "a test's key", "-f"]).arg(path).args(options)
    });
}

/// Runs a command that has to succeed.
#[track_caller]
pub fn command(program: &str, arguments: impl FnOnce(&mut Command) -> &mut Command) -> String {
    let mut command = Command::new(program);
    let output = arguments(&mut command).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Who runs the tests.
pub fn user() -> String {
    nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name
}

impl Sshd {
    /// A file of its folder.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// A connection with the user's key, and what is given instead or beside it.
    pub fn connection(&self, more: &[(&str, Value)]) -> Value {
        let mut all = vec![
            ("host", text("127.0.0.1")),
            ("port", Value::number(i64::from(self.port))),
            ("user", text(user())),
            ("private_key", text(self.read("user"))),
            ("timeout", text("30s")),
        ];
        all.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        all.extend(more.iter().cloned());
        Value::object(all)
    }
}
