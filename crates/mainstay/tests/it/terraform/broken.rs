//! `broken/`: configurations with a fault. Every fault that the oracle sees is reported by the same verb, at the same line.

use serde_json::{Map, Value as Json};

use super::comparison::{Answered, Comparison};
use super::faults::Repeats;
use super::folder::Folder;
use super::judgement::{self, Outcome};
use super::normal::{self, Normaliser};
use super::program::{Environment, Program};
use super::runs::{environment, streamed, words};
use super::{corpus, folders, recorded, stream};

#[test]
fn every_fault_is_reported_where_the_oracle_sees_it() {
    let names = folders("broken").into_iter().map(|name| format!("broken/{name}")).collect();
    judgement::judge("broken", names, replay);
}

/// Replays a broken configuration.
fn replay(name: &str) -> Outcome {
    let case = corpus().join(name);
    let description = case.join("case.json");
    let description = if description.exists() { recorded(&description) } else { Json::Null };
    let folder = Folder::new();
    folder.put(&case, &["recorded.json", "case.json"]);
    let program = Program::new(folder.above(), environment(&description["env"]));
    let mut normaliser = Normaliser::new(folder.path().display().to_string());
    let mut record = Map::new();
    let problem = fill(&mut record, &description, &program, &mut normaliser).err();
    for verb in record.values_mut().filter_map(Json::as_object_mut) {
        verb.remove("messages");
        if let Some(Json::Array(faults)) = verb.remove("diagnostics") {
            verb.insert("diagnostics".to_owned(), Json::Array(stream::distinct(faults)));
        }
    }
    folder.note("recorded.json", &record);
    let mut comparison = Comparison::default();
    let oracle = recorded(&case.join("recorded.json"));
    comparison.run("", &Answered { record, problem }, &oracle, Repeats::Merged);
    Outcome::new(name, comparison, &folder)
}

fn fill(
    record: &mut Map<String, Json>,
    description: &Json,
    program: &Program,
    normaliser: &mut Normaliser,
) -> Result<(), String> {
    let none = Environment::new();
    if description["init"] != false {
        let init = streamed(program, normaliser, &["init", "-json", "-input=false"], &none)?;
        record.insert("init".to_owned(), init);
    }
    let answer = program.run(&["validate", "-json"], &none);
    let document =
        normal::read(&answer.out).map_err(|e| format!("validate: no JSON: {e}: {}", answer.begins()))?;
    let faults = document["diagnostics"].as_array().cloned().unwrap_or_default();
    let faults = stream::diagnostics(&faults, normaliser);
    record.insert("validate".to_owned(), super::runs::verb("validate", &answer, faults, vec![])?);
    let flags = words(&description["plan"]);
    let mut plan = vec!["plan", "-json", "-input=false", "-out=saved.plan"];
    plan.extend(flags.iter().map(String::as_str));
    for (verb, arguments) in [("plan", plan.as_slice()), ("apply", &["apply", "-json", "saved.plan"])] {
        if record.values().any(|it| it["exit"] != 0) {
            break;
        }
        let answered = streamed(program, normaliser, arguments, &none)?;
        record.insert(verb.to_owned(), answered);
    }
    Ok(())
}
