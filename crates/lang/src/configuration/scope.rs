//! Scopes of the crate's own: for what needs nothing but the project's name, and for what is looked at before anything is known.

use diag::{Diagnostic, Diagnostics};
use value::{Marks, Refinements, Type, Value};

use super::Configuration;
use crate::blocks;
use crate::eval::{Scope, evaluate};
use crate::files::ProjectFiles;
use crate::resolve::{ImageId, LocalId, Reference, ServiceId, VariableId};

/// What needs nothing but names: defaults, values of environments, settings of clusters.
pub struct ConstantScope<'a> {
    /// The files that functions may read.
    pub files: &'a dyn ProjectFiles,
    /// The project's name.
    pub project: &'a str,
    /// The environment's name, where it is known.
    pub environment: Option<&'a str>,
}

impl Scope for ConstantScope<'_> {
    fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
        match reference {
            Reference::ProjectName => Ok(Value::string(self.project)),
            Reference::EnvironmentName | Reference::Workspace => {
                Ok(self.environment.map_or_else(unknown_text, Value::string))
            }
            Reference::PathModule | Reference::PathRoot => Ok(Value::string(".")),
            Reference::PathCwd => Ok(Value::string(self.files.root().display().to_string())),
            _ => Err(Diagnostic::error("reference-not-allowed", "this has no value here")),
        }
    }

    fn files(&self) -> &dyn ProjectFiles {
        self.files
    }
}

/// Before anything runs: variables as they are given, services and what depends on places unknown, all of the right types.
pub(super) struct StaticScope<'a> {
    pub configuration: &'a Configuration,
    pub files: &'a dyn ProjectFiles,
    /// The environment's name, where one is looked at.
    pub environment: Option<&'a str>,
    /// By [`VariableId`]; unknown of its type where none is given.
    pub variables: Vec<Value>,
    /// By [`LocalId`].
    pub locals: Vec<Value>,
    /// What `each` is, in a block with `for_each`.
    pub each: Option<(Value, Value)>,
}

impl<'a> StaticScope<'a> {
    /// With nothing known but types.
    pub fn unknown(configuration: &'a Configuration, files: &'a dyn ProjectFiles) -> Self {
        let variables = configuration
            .variables
            .iter()
            .map(|v| {
                let refinements = Refinements { not_null: !v.nullable, ..Refinements::default() };
                Value::refined(v.ty.without_optional(), refinements).with_marks(v.marks())
            })
            .collect();
        Self { configuration, files, environment: None, variables, locals: Vec::new(), each: None }
    }

    fn variable(&self, id: VariableId) -> Value {
        self.variables.get(id.0 as usize).cloned().unwrap_or_else(|| Value::unknown(Type::Dynamic))
    }

    fn local(&self, id: LocalId) -> Value {
        self.locals.get(id.0 as usize).cloned().unwrap_or_else(|| Value::unknown(Type::Dynamic))
    }

    /// One service, a tuple of them or an object of them, by how it is repeated.
    fn service(&self, id: ServiceId) -> Value {
        match self.configuration.service(id) {
            Some(service) if service.count.is_some() => Value::unknown(Type::list(blocks::service_type())),
            Some(service) if service.for_each.is_some() => Value::unknown(Type::map(blocks::service_type())),
            _ => not_null(blocks::service_type()),
        }
    }

    fn image(&self, id: ImageId) -> Value {
        self.configuration.image(id).map_or_else(unknown_text, |image| Value::string(image.name.name.clone()))
    }
}

fn not_null(ty: Type) -> Value {
    Value::refined(ty, Refinements { not_null: true, ..Refinements::default() })
}

fn unknown_text() -> Value {
    not_null(Type::String)
}

impl Scope for StaticScope<'_> {
    fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
        Ok(match reference {
            Reference::Variable(id) => self.variable(id),
            Reference::Local(id) => self.local(id),
            Reference::Service(id) => self.service(id),
            Reference::Image(id) => self.image(id),
            Reference::Environment(_) => self.configuration.environment_outputs(&[]),
            Reference::EachKey => self.each.as_ref().map_or_else(unknown_text, |(key, _)| key.clone()),
            Reference::EachValue => {
                self.each.as_ref().map_or_else(|| Value::unknown(Type::Dynamic), |(_, value)| value.clone())
            }
            Reference::CountIndex => not_null(Type::Number),
            Reference::Applying => not_null(Type::Bool).with_marks(Marks::EPHEMERAL),
            Reference::ClusterName => unknown_text(),
            Reference::SelfObject
            | Reference::Resource(_)
            | Reference::Module(_)
            | Reference::ModuleOutput(..)
            | Reference::Slot(_) => Value::unknown(Type::Dynamic),
            Reference::PathModule
            | Reference::PathRoot
            | Reference::PathCwd
            | Reference::EnvironmentName
            | Reference::ProjectName
            | Reference::Workspace => {
                let names = ConstantScope {
                    files: self.files,
                    project: &self.configuration.project.name,
                    environment: self.environment,
                };
                return names.get(reference);
            }
        })
    }

    fn files(&self) -> &dyn ProjectFiles {
        self.files
    }
}

/// The values of all locals by [`LocalId`], each evaluated once and after those that it refers to; everything else comes from `base`.
/// One that fails is unknown to the others.
#[must_use]
pub fn evaluate_locals(configuration: &Configuration, base: &dyn Scope) -> (Vec<Value>, Diagnostics) {
    struct WithLocals<'a> {
        base: &'a dyn Scope,
        values: Vec<Value>,
    }
    impl Scope for WithLocals<'_> {
        fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
            match reference {
                Reference::Local(id) => Ok(self
                    .values
                    .get(id.0 as usize)
                    .cloned()
                    .unwrap_or_else(|| Value::unknown(Type::Dynamic))),
                other => self.base.get(other),
            }
        }
        fn files(&self) -> &dyn ProjectFiles {
            self.base.files()
        }
    }
    let mut faults = Diagnostics::default();
    let mut scope =
        WithLocals { base, values: vec![Value::unknown(Type::Dynamic); configuration.locals.len()] };
    for id in &configuration.local_order {
        let Some(local) = configuration.local(*id) else { continue };
        match evaluate(&local.expr, &scope) {
            Ok(value) => {
                if let Some(slot) = scope.values.get_mut(id.0 as usize) {
                    *slot = value;
                }
            }
            Err(found) => faults.extend(found),
        }
    }
    (scope.values, faults)
}
