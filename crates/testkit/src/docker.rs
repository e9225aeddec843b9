//! A Docker Engine of the test's own: its data, its socket and its bridge are in no other's way. It is told where there is none.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A Docker Engine takes seconds to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Docker Engine.
pub struct Docker {
    process: Child,
    folder: TempDir,
}

impl Docker {
    /// Starts one; `None`, with the reason printed, where there is no engine, or it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        if !on_path("dockerd") {
            println!("skipped: there is no `dockerd` here (`apt-get install docker.io`)");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("docker-").tempdir().ok()?;
        let within = |name: &str| folder.path().join(name);
        let log = std::fs::File::create(within("dockerd.log")).ok()?;
        let process = Command::new("dockerd")
            .arg("--data-root")
            .arg(within("data"))
            .arg("--exec-root")
            .arg(within("exec"))
            .arg("--pidfile")
            .arg(within("pid"))
            .arg("-H")
            .arg(format!("unix://{}", within("docker.sock").display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().ok()?)
            .stderr(log)
            .spawn()
            .ok()?;
        let mut docker = Self { process, folder };
        let begun = Instant::now();
        while !docker.command("docker", &["info"]).output().is_ok_and(|answer| answer.status.success()) {
            let ended = docker.process.try_wait().ok().flatten();
            if ended.is_some() || begun.elapsed() > PATIENCE {
                println!("skipped: the Docker Engine does not start:\n{}", docker.log());
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(docker)
    }

    /// A command that talks to this engine.
    #[must_use]
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        command
            .env("DOCKER_HOST", format!("unix://{}", self.folder.path().join("docker.sock").display()))
            .env("DOCKER_BUILDKIT", "0")
            .env("HOME", self.folder.path());
        command
    }

    /// A folder that is gone with it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("dockerd.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // It takes its containers and mounts with it only when it is asked to end.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.process.id()).unwrap_or(i32::MAX));
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let begun = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) {
            if begun.elapsed() > PATIENCE {
                let _ = self.process.kill();
                let _ = self.process.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Whether there is such a program.
#[must_use]
pub fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder: PathBuf| folder.join(program)).any(|program| program.exists())
}
