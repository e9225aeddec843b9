//! The runs of a case: what `case.json` describes, and the commands of each, in the order in which `record.py` runs them.

use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::comparison::Answered;
use super::normal::{self, Normaliser};
use super::program::{Answer, Environment, Program};
use super::{recorded, stream};

/// One run of a case.
#[derive(Default)]
pub struct Run {
    pub files: Option<String>,
    pub remove: Vec<String>,
    plan: Vec<String>,
    apply: Vec<String>,
    env: Environment,
    only_plan: bool,
    command: Vec<String>,
    keep: String,
}

/// What a folder's `case.json` says, or would say.
pub struct Description {
    pub env: Environment,
    pub runs: Vec<Run>,
    /// Whether the runs are written down in it.
    pub is_written: bool,
}

/// The description of a case.
pub fn description(case: &Path) -> Description {
    let file = case.join("case.json");
    let written = if file.exists() { recorded(&file) } else { json!({}) };
    let is_written = written.get("runs").is_some();
    let runs = match written["runs"].as_array() {
        Some(runs) => runs.iter().map(Run::read).collect(),
        None => default_runs(case),
    };
    Description { env: environment(&written["env"]), runs, is_written }
}

fn default_runs(case: &Path) -> Vec<Run> {
    let with_files = |name: &str| Run { files: Some(name.to_owned()), ..Run::default() };
    let mut runs = vec![with_files("1")];
    if case.join("2").exists() {
        runs.push(with_files("2"));
    }
    runs.push(Run::default());
    runs.push(Run { plan: vec!["-destroy".to_owned()], ..Run::default() });
    runs
}

/// The strings of a list.
pub fn words(of: &Json) -> Vec<String> {
    let words = of.as_array().into_iter().flatten();
    words.map(|word| word.as_str().expect("an argument").to_owned()).collect()
}

/// The environment variables of an object.
pub fn environment(of: &Json) -> Environment {
    let variables = of.as_object().into_iter().flatten();
    variables.map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned())).collect()
}

impl Run {
    fn read(written: &Json) -> Self {
        let mut run = Self::default();
        for (key, value) in written.as_object().expect("a run") {
            match key.as_str() {
                "files" => run.files = value.as_str().map(str::to_owned),
                "remove" => run.remove = words(value),
                "plan" => run.plan = words(value),
                "apply" => run.apply = words(value),
                "env" => run.env = environment(value),
                "only_plan" => run.only_plan = value == true,
                "command" => run.command = words(value),
                "keep" => run.keep = value.as_str().expect("a text").to_owned(),
                unknown => panic!("a run has no `{unknown}`"),
            }
        }
        run
    }

    /// Runs its commands in a folder where its files are.
    pub fn answer(&self, program: &Program, normaliser: &mut Normaliser) -> Answered {
        let mut record = Map::new();
        let problem = self.fill(&mut record, program, normaliser).err();
        Answered { record, problem }
    }

    /// Writes what is said into the record as it is said.
    ///
    /// # Errors
    /// If something is said that the oracle would not say in any case; what follows cannot be compared.
    fn fill(
        &self,
        record: &mut Map<String, Json>,
        program: &Program,
        normaliser: &mut Normaliser,
    ) -> Result<(), String> {
        let none = Environment::new();
        if self.files.is_some() || !self.remove.is_empty() {
            let answer = program.run(&["init", "-json", "-input=false"], &none);
            if answer.code != 0 {
                let (faults, _) = stream::parts(&answer.out, normaliser)?;
                record.insert("init".to_owned(), verb("init", &answer, faults, vec![])?);
                return Ok(());
            }
        }
        if self.command.is_empty() {
            let goes_on = self.plan_and_apply(record, program, normaliser)?;
            if !goes_on {
                return Ok(());
            }
        } else {
            let arguments: Vec<&str> = self.command.iter().map(String::as_str).collect();
            let answer = program.run(&arguments, &self.env);
            record.insert("command".to_owned(), self.kept(&answer, normaliser)?);
        }
        let state = normaliser.json(document(program, &["show", "-json"])?, None);
        let output = normaliser.json(document(program, &["output", "-json"])?, None);
        let as_in_state = state["values"].get("outputs").unwrap_or(&json!({})) == &output;
        record.insert("state".to_owned(), state);
        record.insert("output".to_owned(), if as_in_state { json!("as in the state") } else { output });
        Ok(())
    }

    /// Answers whether the state is to be looked at.
    fn plan_and_apply(
        &self,
        record: &mut Map<String, Json>,
        program: &Program,
        normaliser: &mut Normaliser,
    ) -> Result<bool, String> {
        let mut plan = vec!["plan", "-json", "-input=false", "-detailed-exitcode", "-out=saved.plan"];
        plan.extend(self.plan.iter().map(String::as_str));
        let mut planned = streamed(program, normaliser, &plan, &self.env)?;
        let failed = planned["exit"] == 1;
        if failed {
            // How far a failing plan gets is chance.
            planned.as_object_mut().and_then(|it| it.remove("messages"));
        }
        record.insert("plan".to_owned(), planned);
        if failed {
            return Ok(false);
        }
        let planned = document(program, &["show", "-json", "saved.plan"])?;
        let time = planned["timestamp"].as_str().map(str::to_owned);
        record.insert("planned".to_owned(), normaliser.json(planned, time.as_deref()));
        if self.only_plan {
            return Ok(false);
        }
        let mut apply = vec!["apply", "-json", "-input=false"];
        apply.extend(self.apply.iter().map(String::as_str));
        apply.push("saved.plan");
        record.insert("apply".to_owned(), streamed(program, normaliser, &apply, &self.env)?);
        Ok(true)
    }

    /// What is kept of another verb.
    fn kept(&self, answer: &Answer, normaliser: &mut Normaliser) -> Result<Json, String> {
        let mut kept = json!({ "exit": answer.code });
        if answer.code != 0 {
            if self.command.first().is_none_or(|verb| verb != "init") {
                kept["fault"] =
                    json!(normaliser.text(&first_summary(&format!("{}{}", answer.out, answer.err))));
            }
        } else if self.keep == "text" {
            kept["text"] = normaliser.text(&answer.out).lines().collect();
        } else if self.keep == "json" {
            let document = normal::read(&answer.out)
                .map_err(|e| format!("command: no JSON: {e}: {}", answer.begins()))?;
            kept["json"] = normaliser.json(document, None);
        }
        Ok(kept)
    }
}

/// The JSON document that a command prints.
fn document(program: &Program, arguments: &[&str]) -> Result<Json, String> {
    let answer = program.run(arguments, &Environment::new());
    let said = |error| format!("`{}` prints no JSON ({error}): {}", arguments.join(" "), answer.begins());
    normal::read(&answer.out).map_err(said)
}

/// A command with `-json`, as it is recorded.
///
/// # Errors
/// If it fails without a diagnostic, or prints what is no JSON.
pub fn streamed(
    program: &Program,
    normaliser: &mut Normaliser,
    arguments: &[&str],
    env: &Environment,
) -> Result<Json, String> {
    let answer = program.run(arguments, env);
    let (faults, lines) = stream::parts(&answer.out, normaliser)?;
    verb(arguments.first().copied().unwrap_or_default(), &answer, faults, lines)
}

/// The record of a verb.
///
/// # Errors
/// If it failed without a diagnostic.
pub fn verb(name: &str, answer: &Answer, faults: Vec<Json>, lines: Vec<String>) -> Result<Json, String> {
    if !matches!(answer.code, 0 | 2) && faults.is_empty() {
        return Err(format!("{name} fails without a diagnostic: {}", answer.begins()));
    }
    let mut record = json!({ "exit": answer.code });
    if !faults.is_empty() {
        record["diagnostics"] = Json::Array(faults);
    }
    if !lines.is_empty() {
        record["messages"] = json!(lines);
    }
    Ok(record)
}

/// The summary of the first fault in a text for people, or its first line.
fn first_summary(text: &str) -> String {
    let text = without_colours(text);
    let found = text.lines().find_map(|line| line.split_once("Error: "));
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    found.map(|(_, summary)| summary).or(first).unwrap_or_default().to_owned()
}

fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |out, piece| out + piece.split_once('m').map_or(piece, |(_, rest)| rest))
}

#[test]
fn the_first_summary_of_a_text_is_found() {
    let text = "\u{1b}[31m╷\u{1b}[0m\n│ \u{1b}[1m\u{1b}[31mError: \u{1b}[0m\u{1b}[1mNo such thing\u{1b}[0m\n│ more\n";
    assert_eq!(first_summary(text), "No such thing");
    assert_eq!(first_summary("\n  it is wrong\n"), "it is wrong");
}
