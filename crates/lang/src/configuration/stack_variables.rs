//! What the variables of a stack are given, as Terraform has it: `TF_VAR_…`, `terraform.tfvars`, `*.auto.tfvars`, then files and values as
//! they were named, each over the ones before. Validations are not run here: they may refer to anything.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, FileId, Sources, Span};
use value::{Value, convert};

use super::{Configuration, Variable};
use crate::eval::{describe_type, describe_value};
use crate::files::{EntryKind, ProjectFiles};
use crate::resolve::VariableId;
use crate::values::{self, Given};

/// The start of the names of environment variables that give values.
const PREFIX: &str = "TF_VAR_";

/// What somebody gives on a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableSource {
    /// `-var-file`: a path as [`ProjectFiles`] takes it.
    File(String),
    /// `-var`: a name, and the text of its value.
    Value {
        /// The variable.
        name: String,
        /// Plain text for a variable of a primitive type or of none that is said, an expression for any other.
        text: String,
    },
}

/// What the variables of a root module are given, by [`VariableId`]; `None` where nobody gives one, so that the default holds.
#[derive(Debug, Clone, Default)]
pub struct StackVariables {
    /// The values, each of its variable's type.
    pub values: Vec<Option<Value>>,
    /// The same as they were given, before they were converted.
    pub given: Vec<Option<Value>>,
    /// What is wrong with them.
    pub diagnostics: Diagnostics,
}

/// The values that are given to the variables of a root module. `environment` is that of the process. Files of values are read from the folder of the configuration, and their
/// texts are added to `sources`.
///
/// What is wrong with a value is told, and the variable has none then. A variable without value and default is told as
/// `missing-variable`.
#[must_use]
pub fn stack_variables(
    configuration: &Configuration,
    files: &dyn ProjectFiles,
    environment: &BTreeMap<String, String>,
    given: &[VariableSource],
    sources: &mut Sources,
) -> StackVariables {
    let mut reader = Reader {
        configuration,
        files,
        sources,
        found: vec![None; configuration.variables.len()],
        faults: Diagnostics::default(),
        undeclared: HashSet::new(),
    };
    for (key, text) in environment.range(PREFIX.to_owned()..).take_while(|(key, _)| key.starts_with(PREFIX)) {
        // The environment is shared by everything that runs in it: a name that means nothing here is no mistake.
        if let Some(id) = key.strip_prefix(PREFIX).and_then(|name| configuration.names.variables.get(name)) {
            reader.text(*id, text, Origin::Text { from: format!("the environment's `{key}`") });
        }
    }
    for path in reader.files_of_folder() {
        reader.file(&path);
    }
    for source in given {
        match source {
            VariableSource::File(path) => reader.file(path),
            VariableSource::Value { name, text } => reader.flag(name, text),
        }
    }
    reader.finish()
}

/// Where a value comes from.
#[derive(Clone)]
enum Origin {
    /// A place in a file of values.
    File(Span),
    /// Somewhere without a text of its own.
    Text { from: String },
}

struct Reader<'a> {
    configuration: &'a Configuration,
    files: &'a dyn ProjectFiles,
    sources: &'a mut Sources,
    /// The last value of each variable, not yet of its type; `Err` where it could not be read, which has been said.
    found: Vec<Option<Result<(Value, Origin), ()>>>,
    faults: Diagnostics,
    undeclared: HashSet<Arc<str>>,
}

impl Reader<'_> {
    /// The files of values that are read without being named, each after those that it goes over.
    fn files_of_folder(&self) -> Vec<String> {
        let folder = self.configuration.folder.as_ref();
        let Ok(entries) = self.files.list(folder) else { return Vec::new() };
        let names = || entries.iter().filter(|e| e.kind == EntryKind::File).map(|e| e.name.as_str());
        let fixed = ["terraform.tfvars", "terraform.tfvars.json"];
        let mut found: Vec<&str> = fixed.into_iter().filter(|name| names().any(|n| n == *name)).collect();
        let is_auto = |name: &&str| name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json");
        found.extend(names().filter(is_auto));
        let path = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        found.into_iter().map(path).collect()
    }

    fn file(&mut self, path: &str) {
        let text = match self.files.read(path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let text = match text {
            Ok(text) => text,
            Err(reason) => {
                self.faults.push(
                    Diagnostic::error("unreadable-file", "this file of values cannot be read")
                        .summary("Failed to read variables file")
                        .about(path)
                        .because(reason),
                );
                return;
            }
        };
        let text: Arc<str> = text.strip_prefix('\u{feff}').unwrap_or(&text).into();
        let file = self.sources.add(path, text.clone());
        let parsed = if path.ends_with(".json") {
            values::parse_json(file, &text)
        } else {
            values::parse_hcl(file, &text)
        };
        let is_broken = parsed.diagnostics.has_errors();
        self.faults.extend(parsed.diagnostics);
        for Given { name, value, span } in parsed.tree {
            match self.configuration.names.variables.get(&name.name) {
                Some(id) => self.put(*id, Ok((value, Origin::File(span)))),
                None if is_broken => {}
                None => self.undeclared_in_file(&name.name, name.span),
            }
        }
    }

    /// A value of a file that no variable takes: the file may be shared by several stacks.
    fn undeclared_in_file(&mut self, name: &Arc<str>, span: Span) {
        if !self.undeclared.insert(name.clone()) {
            return;
        }
        let fault = Diagnostic::warning("undeclared", format!("there is no variable `{name}` in this stack"))
            .summary("Value for undeclared variable")
            .at(span);
        self.faults.push(match self.configuration.names.closest("var", name) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => fault.hint(format!("declare it with `variable \"{name}\" {{}}`, or take it out")),
        });
    }

    fn flag(&mut self, name: &str, text: &str) {
        match self.configuration.names.variables.get(name) {
            Some(id) => self.text(*id, text, Origin::Text { from: format!("`-var {name}=…`") }),
            None => {
                let fault = Diagnostic::error("undeclared", format!("there is no variable `{name}`"))
                    .summary("Value for undeclared variable")
                    .about(format!("-var {name}"));
                self.faults.push(match self.configuration.names.closest("var", name) {
                    Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                    None => fault.hint(format!("declare it with `variable \"{name}\" {{}}`")),
                });
            }
        }
    }

    /// A value that is given as text.
    fn text(&mut self, id: VariableId, text: &str, origin: Origin) {
        let Some(variable) = self.configuration.variable(id) else { return };
        if variable.ty.is_primitive() || !variable.is_typed {
            self.put(id, Ok((Value::string(text), origin)));
            return;
        }
        // A value of a variable that is sensitive shows in no message: its text is no source then.
        let named = format!("<value for var.{}>", variable.name.name);
        let file = if variable.sensitive { FileId(u32::MAX) } else { self.sources.add(named, text) };
        let parsed = values::parse_value(file, text);
        let is_broken = parsed.diagnostics.has_errors();
        if variable.sensitive && is_broken {
            self.faults.push(
                Diagnostic::error(
                    "invalid-input",
                    format!("the value of `{}` cannot be read", variable.name.name),
                )
                .at(variable.header)
                .hint(format!("{} is written as in a configuration", describe_type(&variable.ty))),
            );
        } else {
            self.faults.extend(parsed.diagnostics);
        }
        self.put(id, if is_broken { Err(()) } else { Ok((parsed.tree, origin)) });
    }

    fn put(&mut self, id: VariableId, value: Result<(Value, Origin), ()>) {
        if let Some(slot) = self.found.get_mut(id.0 as usize) {
            *slot = Some(value);
        }
    }

    fn finish(mut self) -> StackVariables {
        let found = std::mem::take(&mut self.found);
        let mut values = Vec::with_capacity(found.len());
        let mut given = Vec::with_capacity(found.len());
        for (variable, found) in self.configuration.variables.iter().zip(found) {
            let was_given = matches!(found, Some(Ok(_)));
            given.push(match &found {
                Some(Ok((value, _))) => Some(value.clone().with_marks(variable.marks())),
                _ => None,
            });
            let value = match found {
                Some(Ok((value, origin))) => self.typed(variable, value, &origin),
                _ => None,
            };
            if !was_given && variable.default.is_none() {
                let name = &variable.name.name;
                self.faults.push(
                    Diagnostic::error("missing-variable", format!("the variable `{name}` has no value"))
                        .at(variable.header)
                        .hint(format!(
                            "give it with `-var {name}=…`, with `{PREFIX}{name}` or in a `.tfvars` file, or give it a `default`"
                        )),
                );
            }
            values.push(value);
        }
        StackVariables { values, given, diagnostics: self.faults }
    }

    /// A value as its variable has it.
    fn typed(&mut self, variable: &Variable, value: Value, origin: &Origin) -> Option<Value> {
        let name = &variable.name.name;
        let converted = match convert(&value, &variable.ty) {
            Ok(converted) => converted,
            Err(error) => {
                let shown =
                    if variable.sensitive { describe_type(&value.ty()) } else { describe_value(&value) };
                let at = if error.path.0.is_empty() {
                    String::new()
                } else {
                    format!(" at `{name}{}`", error.path)
                };
                let reason = format!("{}{at}; this is {shown}", error.message);
                let fault = Diagnostic::error(
                    "type-mismatch",
                    format!("`{name}` is {}", describe_type(&variable.ty)),
                );
                self.faults.push(placed(fault, variable, origin).because(reason));
                return None;
            }
        };
        match variable.settle(converted) {
            Some(value) => Some(value.with_marks(variable.marks())),
            None => {
                let fault = Diagnostic::error("null-variable", format!("`{name}` cannot be null"));
                self.faults.push(placed(fault, variable, origin));
                None
            }
        }
    }
}

/// A fault of a value: where it is written, or else at its variable.
fn placed(fault: Diagnostic, variable: &Variable, origin: &Origin) -> Diagnostic {
    match origin {
        Origin::File(span) => fault.at(*span).see(variable.header, "the variable"),
        Origin::Text { from } => fault.at(variable.header).label(format!("its value comes from {from}")),
    }
}
