//! Values of a stack's root variables: from files, from the process's environment, as they were given, and from whoever can be asked.
//! Beside a saved plan only what is never stored is taken anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use engine::stack::StackPlan;
use lang::configuration::{StackVariables, Variable, VariableSource, stack_variables};
use lang::{Entry, EntryKind, FileError, ProjectFiles};
use value::Value;

use super::{LoadedStack, StackFolder};

/// The code of the fault that a variable has no value.
pub(super) const MISSING: &str = "missing-variable";

/// Who is asked for the value of a variable that nobody gave; answers `None` where there is nobody.
pub type Ask = dyn Fn(&Question<'_>) -> Option<String> + Send + Sync;

/// A variable that has no value.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is for.
    pub description: Option<&'a str>,
    /// Whether the answer must not be seen.
    pub is_sensitive: bool,
}

impl StackFolder {
    /// Values of root variables by their place. `ask`: who can be asked for those that have none.
    pub(super) fn variables(
        &self,
        stack: &mut LoadedStack,
        given: &[VariableSource],
        ask: Option<&Ask>,
    ) -> StackVariables {
        let tree = stack.tree.clone();
        let Some(root) = tree.root() else { return StackVariables::default() };
        let sources = Arc::make_mut(&mut stack.sources);
        let found = stack_variables(root, stack.files.as_ref(), &self.wiring.variables, given, sources);
        // Where a value is wrong, the run ends whatever is answered.
        let told = &found.diagnostics;
        let only_missing =
            told.0.iter().all(|it| it.severity == diag::Severity::Warning || it.code == MISSING);
        let Some(ask) = ask.filter(|_| told.has_errors() && only_missing) else { return found };
        let mut missing: Vec<&Variable> = root
            .variables
            .iter()
            .zip(&found.values)
            .filter(|(variable, value)| value.is_none() && variable.default.is_none())
            .map(|(variable, _)| variable)
            .collect();
        missing.sort_by(|a, b| a.name.name.cmp(&b.name.name));
        let mut given = given.to_vec();
        for variable in missing {
            let question = Question {
                name: &variable.name.name,
                description: variable.description.as_deref(),
                is_sensitive: variable.sensitive,
            };
            let Some(text) = ask(&question) else { return found };
            given.push(VariableSource::Value { name: question.name.to_owned(), text });
        }
        stack_variables(root, stack.files.as_ref(), &self.wiring.variables, &given, sources)
    }

    /// What is wrong with values that are given, whether or not any is missing.
    pub fn check_values(&self, stack: &mut LoadedStack, given: &[VariableSource]) -> Diagnostics {
        let mut found = self.variables(stack, given, None).diagnostics;
        found.0.retain(|fault| fault.code != MISSING);
        found
    }

    /// Values for a plan that was saved: as the plan has them, and those that are never stored as they are given now.
    pub(super) fn variables_of_saved(
        &self,
        stack: &mut LoadedStack,
        plan: &StackPlan,
        ephemeral: &[Arc<str>],
        given: &[VariableSource],
    ) -> (Vec<Option<Value>>, Diagnostics) {
        let tree = stack.tree.clone();
        let Some(root) = tree.root() else { return Default::default() };
        let sources = Arc::make_mut(&mut stack.sources);
        let environment = &self.wiring.variables;
        let nothing = BTreeMap::new();
        let named = OnlyNamed(stack.files.as_ref());
        let all = stack_variables(root, stack.files.as_ref(), environment, given, sources);
        let (all, mut faults) = (all.values, all.diagnostics);
        // What the plan has needs no value here.
        faults.0.retain(|fault| fault.code != MISSING);
        let flags = stack_variables(root, &named, &nothing, given, sources).values;
        let files = stack_variables(root, stack.files.as_ref(), &nothing, &[], sources).values;
        let outside = stack_variables(root, &named, environment, &[], sources).values;
        let mut values = Vec::with_capacity(root.variables.len());
        for (at, variable) in root.variables.iter().enumerate() {
            let name = &variable.name.name;
            let now = |values: &[Option<Value>]| values.get(at).cloned().flatten();
            if variable.ephemeral {
                let value = now(&all);
                if value.is_none() && ephemeral.contains(name) {
                    faults.push(
                        Diagnostic::error(MISSING, "No value for required variable")
                            .about(format!("var.{name}"))
                            .because("it is ephemeral and was set for the plan: it is in no plan, and so has to be set for the apply too"),
                    );
                }
                values.push(value);
                continue;
            }
            let planned = plan.variables.get(name).map(|value| value.clone().unmark_deep().0);
            let differs = |value: &Value| !planned.as_ref().is_some_and(|planned| same(planned, value));
            if now(&flags).is_some_and(|value| differs(&value)) {
                faults.push(
                    Diagnostic::error("saved-variable", "Can't change variable when applying a saved plan")
                        .about(format!("var.{name}"))
                        .because("a saved plan has the values that were set when it was made")
                        .hint("make a new plan; a variable with `ephemeral = true` is in no plan, and is set at the apply"),
                );
            } else if now(&flags).is_none()
                && now(&files).is_none()
                && now(&outside).is_some_and(|value| differs(&value))
            {
                faults.push(
                    Diagnostic::warning("saved-variable", "Ignoring variable when applying a saved plan")
                        .about(format!("TF_VAR_{name}"))
                        .because("a saved plan has the values that were set when it was made; the environment has another one now"),
                );
            }
            values.push(planned);
        }
        (values, faults)
    }
}

/// Whether two values are the same, whatever must not be seen of them.
fn same(a: &Value, b: &Value) -> bool {
    a.clone().unmark_deep().0 == b.clone().unmark_deep().0
}

/// Files that can be read by name and are found by nobody who looks for them.
struct OnlyNamed<'a>(&'a dyn ProjectFiles);

impl ProjectFiles for OnlyNamed<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.0.read(path)
    }

    fn list(&self, _: &str) -> Result<Vec<Entry>, FileError> {
        Ok(Vec::new())
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, FileError> {
        self.0.kind(path)
    }

    fn root(&self) -> &Path {
        self.0.root()
    }

    fn home(&self) -> Option<&Path> {
        self.0.home()
    }
}
