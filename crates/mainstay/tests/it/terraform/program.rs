//! Runs a program as `record.py` runs the oracle: the same environment, nothing on stdin. What it says is not judged here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::selection;

/// Environment variables.
pub type Environment = BTreeMap<String, String>;

/// The program in the folder of a case.
pub struct Program {
    /// The folder of the case, and above it what the program may need beside it: a home and an empty file of settings.
    folder: PathBuf,
    above: PathBuf,
    env: Environment,
    /// How many commands were run; their outputs are named by it.
    count: AtomicUsize,
}

/// What a command answered. A code below zero is that of a program that was killed.
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// No command of the corpus takes a second; one that waits for something must not hold up the others for long.
const TIMEOUT: Duration = Duration::from_secs(60);

impl Program {
    /// The program in `above/case`.
    pub fn new(above: &Path, env: Environment) -> Self {
        File::create(above.join("empty.rc")).expect("a file of settings");
        Self { folder: above.join("case"), above: above.to_owned(), env, count: AtomicUsize::new(0) }
    }

    /// Runs a command; `env` is of this command only.
    pub fn run(&self, arguments: &[&str], env: &Environment) -> Answer {
        self.run_with(arguments, env, Stdio::null())
    }

    pub fn run_with(&self, arguments: &[&str], env: &Environment, stdin: Stdio) -> Answer {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("{number:02}-{}", arguments.first().copied().unwrap_or("nothing"));
        // Into files: no reader is needed, and what a provisioner left running holds nothing up.
        let (out, err) =
            (self.above.join(format!("{name}.out.txt")), self.above.join(format!("{name}.err.txt")));
        let mut command = program();
        command.args(arguments).current_dir(&self.folder).env_clear().stdin(stdin);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &self.above);
        command.env("TF_CLI_CONFIG_FILE", self.above.join("empty.rc"));
        command.env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1").envs(&self.env).envs(env);
        command.stdout(File::create(&out).expect("a file")).stderr(File::create(&err).expect("a file"));
        let code = code_of(&mut command);
        Answer { code, out: text_of(&out), err: text_of(&err) }
    }
}

/// Our binary, or the oracle.
fn program() -> Command {
    if selection::is_oracle() {
        return Command::new("terraform");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay"));
    command.arg("terraform");
    command
}

fn code_of(command: &mut Command) -> i32 {
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{:?}: {e}", command.get_program()));
    let begun = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait().expect("the program") {
            return status.code().unwrap_or(-1);
        }
        if begun.elapsed() > TIMEOUT {
            child.kill().expect("the program");
            child.wait().expect("the program");
            return -1;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(4));
    }
}

fn text_of(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("what the program said")).into_owned()
}

impl Answer {
    /// The first lines of what it said, for a message that nothing else explains.
    pub fn begins(&self) -> String {
        let said = self.err.lines().chain(self.out.lines()).filter(|line| !line.trim().is_empty());
        let lines: Vec<&str> = said.take(3).collect();
        format!("exit {}: {}", self.code, lines.join(" / "))
    }
}
