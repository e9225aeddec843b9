//! Values for what needs no cluster: images and seeds refer to variables, locals and names.

use diag::{Diagnostic, Diagnostics};
use engine::EnvironmentName;
use lang::{ConstantScope, ProjectFiles, Reference, Scope};
use value::Value;

use crate::session::Description;

/// Variables, locals and names of one environment.
pub(crate) struct ValueScope<'a> {
    description: &'a Description,
    environment: &'a EnvironmentName,
    locals: Vec<Value>,
}

impl<'a> ValueScope<'a> {
    /// With all locals evaluated; those that need a service stay unknown.
    pub fn new(description: &'a Description, environment: &'a EnvironmentName) -> (Self, Diagnostics) {
        let empty = Self { description, environment, locals: Vec::new() };
        let (locals, faults) = lang::evaluate_locals(&description.configuration, &empty);
        (Self { description, environment, locals }, faults)
    }
}

impl Scope for ValueScope<'_> {
    fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
        let configuration = &self.description.configuration;
        match reference {
            Reference::Variable(id) => Ok(self.description.variables.get(id.0 as usize).cloned()),
            Reference::Local(id) => Ok(self.locals.get(id.0 as usize).cloned()),
            Reference::Image(id) => Ok(configuration.image(id).map(|i| Value::string(i.name.name.clone()))),
            Reference::Service(_) => Ok(Some(Value::unknown(lang::blocks::service_type()))),
            other => {
                let names = ConstantScope {
                    files: self.files(),
                    project: &configuration.project.name,
                    environment: Some(self.environment.as_str()),
                };
                names.get(other).map(Some)
            }
        }
        .map(|value| value.unwrap_or_else(|| Value::unknown(value::Type::Dynamic)))
    }

    fn files(&self) -> &dyn ProjectFiles {
        self.description.files.as_ref()
    }
}
