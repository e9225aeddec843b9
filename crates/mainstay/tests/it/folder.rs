//! A folder with Terraform's configuration, and what `mainstay terraform` answers in it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

/// A folder with a configuration.
pub struct Folder(tempfile::TempDir);

/// What a verb answered.
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Folder {
    pub fn new(main: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("mainstay-tf-").tempdir().expect("a folder");
        let folder = Self(folder);
        folder.write("main.tf", main);
        folder
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).env("NO_COLOR", "1").env_remove("TF_WORKSPACE");
        command
    }

    /// Runs a verb that reads this; its answer has to have this exit code.
    #[track_caller]
    pub fn fed(&self, code: i32, words: &[&str], input: &str) -> Answer {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_mainstay")));
        command
            .arg("terraform")
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        // One that asks nothing may have ended already.
        let _ = std::io::Write::write_all(&mut child.stdin.take().expect("its input"), input.as_bytes());
        let answer = Answer::of(&child.wait_with_output().expect("its answer"));
        assert_eq!(answer.code, code, "{words:?}\nstdout:\n{}\nstderr:\n{}", answer.out, answer.err);
        answer
    }

    #[track_caller]
    pub fn run(&self, code: i32, words: &str) -> Answer {
        self.fed(code, &words.split_whitespace().collect::<Vec<_>>(), "")
    }
}

impl Answer {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    #[track_caller]
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}
