//! Every fault that shows without state: each block is evaluated with what is not known yet unknown, first for no environment in
//! particular, then with the values of each.

use std::collections::{BTreeMap, HashSet};

use diag::{Diagnostic, Diagnostics, Span};
use value::{Marks, Value};

use super::repeat::Repetition;
use super::scope::StaticScope;
use super::variables::resolve;
use super::{Configuration, Environment, Service, evaluate_locals};
use crate::eval::{Scope, evaluate};
use crate::files::ProjectFiles;

/// Every fault of a configuration that shows without state; those that [`load`](super::load) found are not repeated.
#[must_use]
pub fn validate(configuration: &Configuration, files: &dyn ProjectFiles) -> Diagnostics {
    let mut faults = Diagnostics::default();
    let mut seen = Seen::default();
    // Without an environment first: what is wrong whatever the values are is said once, and best.
    let scope = StaticScope::unknown(configuration, files);
    seen.add(blocks(configuration, scope), &mut faults);
    for environment in &configuration.environments {
        let inputs = BTreeMap::new();
        let (values, found) = resolve(configuration, environment, &inputs, files, false);
        seen.add(found, &mut faults);
        let mut scope = StaticScope::unknown(configuration, files);
        scope.environment = Some(&environment.name);
        scope.variables = values;
        let mut found = blocks(configuration, scope);
        // What was not wrong with any value is wrong with this environment's.
        for fault in &mut found.0 {
            let place = format!("with the values of the environment `{}`", environment.name);
            fault.detail = Some(
                fault.detail.take().map_or_else(|| place.clone(), |detail| format!("{detail}\n{place}")),
            );
        }
        found.extend(
            configuration
                .services
                .iter()
                .flat_map(|service| unknown_clusters(configuration, service, environment, files)),
        );
        seen.add(found, &mut faults);
    }
    faults.sort();
    faults
}

/// What has been said: one fault of a kind at one place, since the same mistake shows in every environment.
#[derive(Default)]
struct Seen(HashSet<(Span, String)>);

impl Seen {
    /// Adds what no earlier look at the configuration has found at the same place.
    fn add(&mut self, found: Diagnostics, faults: &mut Diagnostics) {
        let key = |fault: &Diagnostic| fault.span.map(|span| (span, fault.code.to_string()));
        let new: Vec<Diagnostic> =
            found.into_iter().filter(|fault| key(fault).is_none_or(|key| !self.0.contains(&key))).collect();
        self.0.extend(new.iter().filter_map(key));
        faults.extend(new);
    }
}

/// The faults of every block.
fn blocks(configuration: &Configuration, mut scope: StaticScope<'_>) -> Diagnostics {
    let mut faults = Diagnostics::default();
    let (locals, found) = evaluate_locals(configuration, &scope);
    faults.extend(found);
    scope.locals = locals;
    for service in &configuration.services {
        faults.extend(self::service(service, &mut scope));
    }
    for image in &configuration.images {
        faults.extend(image.decode(&scope).diagnostics);
    }
    for seed in configuration.seeds.iter().chain(&configuration.seeds_without_service) {
        faults.extend(seed.decode(&scope).diagnostics);
        faults.extend(seed.check_key(&scope));
    }
    for output in &configuration.outputs {
        match evaluate(&output.expr, &scope) {
            Ok(value) => faults.extend(exposed(&value, output)),
            Err(found) => faults.extend(found),
        }
        for condition in &output.preconditions {
            faults.extend(evaluate(&condition.condition, &scope).err().unwrap_or_default());
        }
    }
    faults
}

fn service(service: &Service, scope: &mut StaticScope<'_>) -> Diagnostics {
    let mut faults = Diagnostics::default();
    match service.repetition(scope) {
        Err(found) => faults.extend(found),
        Ok(Repetition::Each(keys)) => {
            for (key, value) in keys.into_iter().take(1000) {
                scope.each = Some((Value::string(key), value));
                let found = service.decode(scope).diagnostics;
                let stop = !found.is_empty();
                faults.extend(found);
                // The same fault under every key says nothing more.
                if stop {
                    break;
                }
            }
            scope.each = None;
            return faults;
        }
        Ok(Repetition::Once | Repetition::Count(_) | Repetition::Unknown) => {}
    }
    faults.extend(service.decode(scope).diagnostics);
    faults
}

/// An output that would print what is secret.
fn exposed(value: &Value, output: &super::Output) -> Option<Diagnostic> {
    let marks = value.marks_deep();
    let name = &output.name.name;
    if marks.contains(Marks::EPHEMERAL) {
        return Some(
            Diagnostic::error(
                "ephemeral-output",
                format!("the output `{name}` holds an ephemeral value, which is never stored"),
            )
            .at(output.expr.span),
        );
    }
    (marks.contains(Marks::SENSITIVE) && !output.sensitive).then(|| {
        Diagnostic::error("sensitive-output", format!("the output `{name}` holds a sensitive value"))
            .at(output.expr.span)
            .hint("add `sensitive = true` to the output, or take the secret out with `nonsensitive(…)`")
    })
}

/// The clusters of a service that its environment does not have, where they are written down.
fn unknown_clusters(
    configuration: &Configuration,
    service: &Service,
    environment: &Environment,
    files: &dyn ProjectFiles,
) -> Vec<Diagnostic> {
    let Some(attribute) = service.body.attribute("clusters") else { return Vec::new() };
    let mut scope = StaticScope::unknown(configuration, files);
    scope.environment = Some(&environment.name);
    let Ok(clusters) = evaluate(&attribute.expr, &scope as &dyn Scope) else { return Vec::new() };
    let names = || configuration.environments.iter().flat_map(|e| e.clusters.iter().map(|c| c.name.as_ref()));
    let written = clusters.as_slice().unwrap_or_default().iter().enumerate();
    written
        .filter_map(|(i, cluster)| {
            let name = cluster.as_str()?;
            // A cluster of another environment is fine: the service does not run in this one then.
            if names().any(|known| known == name) {
                return None;
            }
            let path = value::Path(vec![value::Step::Index(value::Number::from(i))]);
            let span = crate::schema::locate(&attribute.expr, &path);
            let fault =
                Diagnostic::error("unknown-cluster", format!("no environment has a cluster `{name}`"))
                    .at(span);
            let fault = match diag::closest(name, names()) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None => fault.hint(format!("declare it in an environment with `cluster \"{name}\" {{}}`")),
            };
            Some(fault)
        })
        .collect()
}
