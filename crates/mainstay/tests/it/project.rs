//! A project of a test's own, with an agent of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value as Json;

/// A folder with a project; the agent that `up` starts keeps its data in it and is stopped at the end.
pub struct Project {
    folder: tempfile::TempDir,
    /// Where the agent's HTTP entry listens.
    pub entry: SocketAddr,
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Answer {
    /// The answer, if it is this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// stdout as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

impl Project {
    /// An empty folder.
    pub fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("mainstay-it-").tempdir().expect("a temporary folder");
        let entry = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
        Self { folder, entry }
    }

    /// With a main file, and a `dev` environment whose entry listens on a free port.
    pub fn new(main: &str) -> Self {
        let project = Self::empty();
        project.write("mainstay.hcl", main);
        let listen = project.entry;
        let dev =
            format!("environment \"dev\" {{\n  cluster \"local\" {{\n    listen = \"{listen}\"\n  }}\n}}\n");
        project.write("environments/dev.hcl", &dev);
        project
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    fn agent_dir(&self) -> PathBuf {
        self.path().join(".agent")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command.env_remove("MAINSTAY_ENV").env("MAINSTAY_AGENT_DIR", self.agent_dir()).env("USER", "ann");
        command
    }

    /// Runs the program in the project's folder.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("the program");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Answer { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// A GET at the agent's entry: status line and body.
    pub fn get(&self, host: &str, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.entry).expect("the entry");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
            .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if self.agent_dir().join("agent.sock").exists() {
            let _ = self.run(&["agent", "stop", "--instances"]);
        }
    }
}

/// The test server; built with the tests.
pub fn hello() -> String {
    let tests = std::env::current_exe().expect("our own path");
    let target = tests.ancestors().nth(2).expect("the target folder");
    let hello = target.join("examples/hello");
    assert!(hello.exists(), "{} was not built with the tests", hello.display());
    hello.display().to_string()
}

/// A project with one service that runs the test server.
pub fn hello_project(replicas: u32) -> String {
    format!(
        r#"project {{
  name = "hello"
}}

variable "release" {{
  type    = string
  default = "1"
}}

variable "mode" {{
  type    = string
  default = ""
}}

variable "token" {{
  type      = string
  default   = "t0p-s3cret-value"
  sensitive = true
}}

service "web" {{
  program  = ["{program}"]
  replicas = {replicas}
  env = {{
    RELEASE = var.release
    MODE    = var.mode
    TOKEN   = var.token
  }}

  port "http" {{
    container = 8080
  }}
  health {{
    http     = "/healthz"
    interval = "100ms"
  }}
  route {{
    host = "hello.localhost"
  }}
  rollout {{
    min_healthy       = "300ms"
    progress_deadline = "8s"
  }}
  restart {{
    attempts = 1
    backoff  = "100ms"
  }}
}}

output "web" {{
  value = service.web.address
}}
"#,
        program = hello()
    )
}
