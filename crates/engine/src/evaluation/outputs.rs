//! Outputs. One that hangs on services has its value in each cluster where they run: the value itself where that is one
//! cluster, an object by cluster's name where there are several.

use diag::{Diagnostic, Diagnostics};
use lang::configuration::{Condition, Output};
use lang::eval::{describe_value, evaluate};
use value::{Marks, Type, Value, convert};

use super::{ClusterIndex, View, World};

impl World<'_> {
    /// The value of an output as things stand.
    pub(crate) fn output(&mut self, output: &Output) -> Result<Value, Diagnostics> {
        let clusters = self.clusters_of(output);
        let value = match clusters.as_slice() {
            [only] => self.output_in(output, *only)?,
            several => {
                let mut by_cluster = Vec::with_capacity(several.len());
                for cluster in several {
                    let value = self.output_in(output, *cluster)?;
                    by_cluster.push((self.clusters[*cluster].as_str().to_owned(), value));
                }
                Value::object(by_cluster)
            }
        };
        let name = &output.name.name;
        let marks = value.marks_deep();
        if marks.contains(Marks::EPHEMERAL) {
            let fault = Diagnostic::error(
                "ephemeral-output",
                format!("the output `{name}` is ephemeral, and outputs are stored"),
            );
            return Err(fault.at(output.expr.span).hint("leave the ephemeral part out of it").into());
        }
        if output.sensitive {
            return Ok(value.with_marks(Marks::SENSITIVE));
        }
        if marks.contains(Marks::SENSITIVE) {
            let fault = Diagnostic::error(
                "sensitive-output",
                format!("the output `{name}` holds something sensitive"),
            );
            return Err(fault.at(output.expr.span).hint("say so in the output: `sensitive = true`").into());
        }
        Ok(value)
    }

    /// The same by name, as a plan has it.
    pub(crate) fn output_by_name(&mut self, name: &str) -> Result<Value, Diagnostics> {
        let declared = self.configuration.outputs.iter().find(|output| output.name.name.as_ref() == name);
        match declared {
            Some(output) => self.output(output),
            None => Err(Diagnostic::error(
                "not-described",
                format!("the configuration has no output `{name}` any more"),
            )
            .hint("make a new plan")
            .into()),
        }
    }

    /// Where an output has a value.
    fn clusters_of(&self, output: &Output) -> Vec<ClusterIndex> {
        let services = self.dependencies.services(output.references(), &[]);
        let runs = |cluster: &ClusterIndex| {
            services.iter().all(|id| {
                let instances = self.instances.get(id.0 as usize).and_then(|clusters| clusters.get(cluster));
                instances.is_some_and(|instances| !instances.values.is_empty())
            })
        };
        if services.is_empty() {
            return vec![0];
        }
        let clusters: Vec<ClusterIndex> = (0..self.clusters.len()).filter(runs).collect();
        // Where they run together nowhere, the first cluster's view tells what is the matter.
        if clusters.is_empty() { vec![0] } else { clusters }
    }

    fn output_in(&mut self, output: &Output, cluster: ClusterIndex) -> Result<Value, Diagnostics> {
        self.ready(output.references(), cluster);
        let mut faults = std::mem::take(&mut self.faults);
        let view = View::of(self, cluster, None);
        for precondition in &output.preconditions {
            if let Err(found) = holds(precondition, output, &view) {
                faults.extend(found);
            }
        }
        match evaluate(&output.expr, &view) {
            Ok(value) if !faults.has_errors() => Ok(value),
            Ok(_) => Err(faults),
            Err(found) => {
                faults.extend(found);
                Err(faults)
            }
        }
    }
}

/// Whether a precondition holds; one that is not known yet does.
fn holds(precondition: &Condition, output: &Output, view: &View<'_, '_>) -> Result<(), Diagnostics> {
    let result = evaluate(&precondition.condition, view)?;
    let Some(held) = convert(&result, &Type::Bool).ok().filter(|held| !held.is_null()) else {
        let fault = Diagnostic::error("invalid-condition", "the condition has to be `true` or `false`");
        let label = format!("this is {}", describe_value(&result));
        return Err(fault.at(precondition.condition.span).label(label).into());
    };
    if held.as_bool() != Some(false) {
        return Ok(());
    }
    let name = &output.name.name;
    let fault = Diagnostic::error(
        "precondition-failed",
        format!("a precondition of the output `{name}` does not hold"),
    );
    let fault = fault.at(precondition.condition.span);
    let message = evaluate(&precondition.message, view)?;
    let told = message.as_str().filter(|_| message.marks_deep().is_empty());
    Err(told.map_or(fault.clone(), |text| fault.because(text)).into())
}
