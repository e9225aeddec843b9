//! A machine of a benchmark's own: a temporary folder, an agent in it, a free port, and our binary.

use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::house;

/// The folder, the port and the program.
pub struct Machine {
    folder: tempfile::TempDir,
    binary: PathBuf,
    /// Where the agent's HTTP entry will listen.
    pub entry: SocketAddr,
}

/// How a command ended.
pub struct Outcome {
    pub succeeded: bool,
    /// Everything that it printed.
    pub text: String,
    pub took: Duration,
    command: String,
}

impl Outcome {
    pub fn must_succeed(&self) -> Result<()> {
        if self.succeeded { Ok(()) } else { bail!("`{}` failed:\n{}", self.command, self.text) }
    }
}

impl Machine {
    /// With the debug binary, which the tests have built already.
    pub fn new(name: &str) -> Result<Self> {
        Self::with_binary(name, build(false)?)
    }

    /// With the binary that users run.
    pub fn release(name: &str) -> Result<Self> {
        Self::with_binary(name, build(true)?)
    }

    pub fn with_binary(name: &str, binary: PathBuf) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix(&format!("{name}-")).tempdir().context("no temporary folder")?;
        let entry = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).context("no free port")?;
        Ok(Self { folder, binary, entry })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn agent_dir(&self) -> PathBuf {
        self.folder.path().join("agent")
    }

    /// Whether we are root, and containers get all of their isolation.
    pub fn is_root(&self) -> bool {
        std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
    }

    /// A command on a project, ready to be run.
    pub fn command(&self, project: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("-C").arg(project);
        command
            .env("MAINSTAY_AGENT_DIR", self.agent_dir())
            .env("SHOP_SOURCE", house::root().join("examples/shop/app"));
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command, shows what it prints and keeps it.
    pub fn mainstay(&self, project: &Path, arguments: &[&str]) -> Result<Outcome> {
        println!("$ mainstay {}", arguments.join(" "));
        let outcome = self.quietly(project, arguments)?;
        print!("{}", outcome.text);
        let _ = std::io::stdout().flush();
        Ok(outcome)
    }

    /// Runs a command and keeps what it prints.
    pub fn quietly(&self, project: &Path, arguments: &[&str]) -> Result<Outcome> {
        let begun = Instant::now();
        // Both into one file, so that lines keep the order in which they came.
        let mut both = tempfile::tempfile().context("no temporary file")?;
        let mut command = self.command(project, arguments);
        command.stdout(both.try_clone()?).stderr(both.try_clone()?);
        let status = command.status().context("mainstay could not be started")?;
        let took = begun.elapsed();
        let mut bytes = Vec::new();
        both.seek(SeekFrom::Start(0))?;
        both.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Outcome {
            succeeded: status.success(),
            text,
            took,
            command: format!("mainstay {}", arguments.join(" ")),
        })
    }

    /// Stops everything that was started here; said if it could not be.
    pub fn stop(&self, project: &Path) {
        let dir = self.agent_dir().display().to_string();
        match self.quietly(project, &["agent", "stop", "--instances", "--data-dir", &dir]) {
            Ok(outcome) if outcome.succeeded => {}
            Ok(outcome) => eprintln!("note: the agent could not be stopped: {}", outcome.text.trim()),
            Err(error) => eprintln!("note: the agent could not be stopped: {error:#}"),
        }
    }
}

/// Builds the `mainstay` binary and answers where it is.
pub fn build(release: bool) -> Result<PathBuf> {
    let mut arguments = vec!["build", "--quiet", "--package", "mainstay"];
    if release {
        arguments.push("--release");
    }
    house::run("cargo", &arguments)?;
    Ok(target().join(if release { "release" } else { "debug" }).join("mainstay"))
}

/// Builds the binary that kills itself at a journal write, and answers where it is.
pub fn build_crasher() -> Result<PathBuf> {
    house::run("cargo", &["build", "--quiet", "--package", "mainstay", "--example", "crasher"])?;
    Ok(target().join("debug/examples/crasher"))
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| house::root().join("target"), PathBuf::from)
}

/// One GET; answers the body.
pub fn request(entry: SocketAddr, host: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(entry).with_context(|| format!("no connection to {entry}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("not an answer: {answer:?}"))?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    if status != "200" {
        bail!("GET {path} was answered with {status}: {}", body.trim());
    }
    Ok(body.to_owned())
}
