//! A folder with resources, and the two command lines that plan and apply them: `mainstay terraform` in a folder of Terraform's, and
//! `mainstay` in a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

use super::rig::{REQUIRED, Rig};
use crate::folder::Answer;

/// Which command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Terraform,
    Project,
}

impl Line {
    pub const BOTH: [Self; 2] = [Self::Terraform, Self::Project];
}

/// Somebody at work in a folder.
pub struct Caller {
    line: Line,
    folder: tempfile::TempDir,
    pub rig: Rig,
}

/// What a plan said.
#[derive(Debug)]
pub struct Plan {
    pub code: i32,
    /// Objects in doubt: whether it is an error, and everything that is said of it.
    pub doubts: BTreeMap<String, (bool, String)>,
    /// What would be done, by address, to its object and to those that were pushed aside; without what stays as it is.
    pub changes: BTreeMap<String, Vec<String>>,
    /// Everything.
    pub text: String,
}

impl Plan {
    /// Whether an object is to be made.
    pub fn makes(&self, address: &str) -> bool {
        self.changes.get(address).is_some_and(|actions| actions.iter().any(|action| action == "create"))
    }

    /// What is said of an object in doubt, which has to be an error.
    #[track_caller]
    pub fn error(&self, address: &str) -> &str {
        match self.doubts.get(address) {
            Some((true, text)) => text,
            other => panic!("{address}: {other:?}\n{}", self.text),
        }
    }
}

impl Caller {
    /// In a folder of Terraform's, with a provider that does nothing out of the ordinary.
    pub fn folder(resources: &str) -> Self {
        Self::new(Line::Terraform, Rig::new(|script| script), resources)
    }

    /// In a folder with these resources.
    pub fn new(line: Line, rig: Rig, resources: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("mainstay-caller-").tempdir().expect("a folder");
        let caller = Self { line, folder, rig };
        caller.describe(resources);
        match line {
            Line::Terraform => drop(caller.ends(0, &["init"])),
            Line::Project => {
                caller.write("mainstay.hcl", "project {\n  name = \"shop\"\n}\n");
                caller.declare();
            }
        }
        caller
    }

    /// Another folder in which everything is as it is here, and another cloud as this one is.
    pub fn copy(&self) -> Self {
        let folder = tempfile::Builder::new().prefix("mainstay-caller-").tempdir().expect("a folder");
        let from = format!("{}/.", self.folder.path().display());
        let copied = Command::new("cp").arg("-a").arg(from).arg(folder.path()).status().expect("cp");
        assert!(copied.success());
        let copy = Self { line: self.line, folder, rig: self.rig.copy() };
        if self.line == Line::Project {
            copy.declare();
        }
        copy
    }

    /// What there is to be.
    pub fn describe(&self, resources: &str) {
        self.write("main.tf", &format!("{REQUIRED}{resources}"));
    }

    /// The provider of a project gets nothing that is not declared.
    fn declare(&self) {
        let script = self.rig.script_file();
        let text = format!(
            "environment \"dev\" {{\n  provider \"acme/scripted\" {{\n    env = {{ SCRIPT = \"{}\" }}\n  }}\n}}\n",
            script.display()
        );
        self.write("environments.hcl", &text);
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of this line, by a program that is `mainstay`.
    fn command(&self, program: &Path, line: Line, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).stdin(Stdio::null()).env("NO_COLOR", "1");
        command.env_remove("TF_WORKSPACE").env_remove("MAINSTAY_ENV");
        command.env("MAINSTAY_AGENT_DIR", self.path(".agent"));
        self.rig.equip(&mut command, line == Line::Terraform);
        if line == Line::Terraform {
            command.arg("terraform");
        }
        command.args(words);
        command
    }

    fn ours(&self, words: &[&str]) -> Command {
        self.command(Path::new(env!("CARGO_BIN_EXE_mainstay")), self.line, words)
    }

    /// Runs a command, which has to end with this code.
    #[track_caller]
    pub fn ends(&self, code: i32, words: &[&str]) -> Answer {
        let answer = Answer::of(&self.ours(words).output().expect("an answer"));
        assert_eq!(answer.code, code, "{words:?}\nstdout:\n{}\nstderr:\n{}", answer.out, answer.err);
        answer
    }

    /// The code with which a command ends whose plan has errors.
    pub fn refusal(&self) -> i32 {
        if self.line == Line::Terraform { 1 } else { 2 }
    }

    fn apply_words(&self) -> &'static [&'static str] {
        match self.line {
            Line::Terraform => &["apply", "-auto-approve"],
            Line::Project => &["apply", "--yes"],
        }
    }

    /// Applies.
    #[track_caller]
    pub fn apply(&self, code: i32) -> Answer {
        self.ends(code, self.apply_words())
    }

    /// An apply by a program that is `mainstay`, still to be started.
    pub fn applying(&self, program: &Path) -> Command {
        self.command(program, self.line, self.apply_words())
    }

    /// An apply that has begun.
    pub fn begin(&self) -> Child {
        let mut command = self.applying(Path::new(env!("CARGO_BIN_EXE_mainstay")));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program")
    }

    /// Whether the next apply has nothing to do.
    #[track_caller]
    pub fn has_nothing_to_do(&self) {
        let flag = if self.line == Line::Terraform { "-detailed-exitcode" } else { "--detailed-exitcode" };
        self.ends(0, &["plan", flag]);
    }

    pub fn plan(&self) -> Plan {
        match self.line {
            Line::Terraform => self.plan_of_terraform(),
            Line::Project => self.plan_of_project(),
        }
    }

    fn plan_of_terraform(&self) -> Plan {
        let answer = Answer::of(&self.ours(&["plan", "-json"]).output().expect("an answer"));
        let (mut doubts, mut changes) = (BTreeMap::new(), BTreeMap::<String, Vec<String>>::new());
        for line in answer.out.lines() {
            let line: Json = serde_json::from_str(line).expect("JSON");
            let (told, change) = (&line["diagnostic"], &line["change"]);
            let words = ["summary", "detail"].map(|part| told[part].as_str().unwrap_or_default());
            let text = words.join("\n");
            if let Some(address) = told["address"].as_str()
                && text.contains("left it open whether this object exists")
            {
                doubts.insert(address.to_owned(), (told["severity"] == "error", text));
            }
            if line["type"] == "planned_change" {
                let address = change["resource"]["addr"].as_str().expect("an address");
                let action = change["action"].as_str().expect("an action").to_owned();
                changes.entry(address.to_owned()).or_default().push(action);
            }
        }
        Plan { code: answer.code, doubts, changes, text: answer.out + &answer.err }
    }

    fn plan_of_project(&self) -> Plan {
        let answer = Answer::of(&self.ours(&["plan"]).output().expect("an answer"));
        let mut doubts = BTreeMap::new();
        for told in answer.err.split("\n\n") {
            let (is_error, rest) =
                match (told.split_once("error[in-doubt]: "), told.split_once("warning[in-doubt]: ")) {
                    (Some((_, rest)), _) => (true, rest),
                    (None, Some((_, rest))) => (false, rest),
                    (None, None) => continue,
                };
            let address = rest.split_once(": ").map_or(rest, |(address, _)| address);
            doubts.insert(address.to_owned(), (is_error, rest.to_owned()));
        }
        let mut changes = BTreeMap::<String, Vec<String>>::new();
        if answer.code == 0 {
            let planned = self.ends(0, &["plan", "--json"]);
            let last: Json = serde_json::from_str(planned.out.lines().last().expect("a plan")).expect("JSON");
            for change in last["infrastructure"]["resource_changes"].as_array().into_iter().flatten() {
                let actions = change["change"]["actions"].as_array().expect("actions");
                let actions: Vec<&str> = actions.iter().filter_map(Json::as_str).collect();
                if actions != ["no-op"] {
                    let address = change["address"].as_str().expect("an address");
                    changes.entry(address.to_owned()).or_default().push(actions.join("-"));
                }
            }
        }
        Plan { code: answer.code, doubts, changes, text: answer.out + &answer.err }
    }

    /// Takes an object over.
    #[track_caller]
    pub fn adopt(&self, address: &str, id: &str) -> Answer {
        let verb = if self.line == Line::Terraform { "import" } else { "adopt" };
        self.ends(0, &[verb, address, id])
    }

    /// Forgets what is open about an object.
    #[track_caller]
    pub fn forget(&self, address: &str) -> Answer {
        match self.line {
            Line::Terraform => self.ends(0, &["state", "rm", address]),
            Line::Project => self.ends(0, &["forget", address]),
        }
    }

    /// The commands that a plan names as the ways out.
    pub fn ways(&self, address: &str, id: &str) -> [String; 2] {
        match self.line {
            Line::Terraform => [
                format!("`mainstay terraform import '{address}' {id}`"),
                format!("`mainstay terraform state rm '{address}'`"),
            ],
            Line::Project => {
                [format!("`mainstay adopt '{address}' {id}`"), format!("`mainstay forget '{address}'`")]
            }
        }
    }

    /// The ids of the objects in the state, with their addresses; those that were pushed aside too.
    pub fn state(&self) -> BTreeMap<String, String> {
        // A project's environment is Terraform's workspace.
        let program = Path::new(env!("CARGO_BIN_EXE_mainstay"));
        let mut command = self.command(program, Line::Terraform, &["state", "pull"]);
        if self.line == Line::Project {
            command.env("TF_WORKSPACE", "dev");
        }
        let answer = Answer::of(&command.output().expect("an answer"));
        assert_eq!(answer.code, 0, "{}", answer.err);
        let mut found = BTreeMap::new();
        if answer.out.trim().is_empty() {
            return found;
        }
        let state = answer.json();
        for resource in state["resources"].as_array().into_iter().flatten() {
            let (kind, name) = (resource["type"].as_str(), resource["name"].as_str());
            let address = format!("{}.{}", kind.unwrap_or_default(), name.unwrap_or_default());
            for instance in resource["instances"].as_array().into_iter().flatten() {
                let id = instance["attributes"]["id"].as_str().expect("an id");
                found.insert(id.to_owned(), address.clone());
            }
        }
        found
    }
}
