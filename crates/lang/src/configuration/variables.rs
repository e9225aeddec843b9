//! What variables are worth in an environment: what people gave, else what the environment says, else the default.

use std::collections::BTreeMap;

use diag::{Diagnostic, Diagnostics, FileId, Span};
use value::{Kind, Marks, Type, Value, convert};

use super::scope::ConstantScope;
use super::{Condition, Configuration, Environment, Variable};
use crate::eval::{Scope, describe_type, describe_value, evaluate};
use crate::files::ProjectFiles;
use crate::resolve::{Allowed, Names, Reference, Resolver};
use crate::schema::locate;
use crate::syntax::parse_expression;

/// A value that somebody gave from outside of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableInput {
    /// The text: as it stands for a variable of type `string`, as an expression for any other.
    pub text: String,
    /// Where it came from, for messages: `--var`, `MAINSTAY_VAR_x`.
    pub origin: String,
}

/// The value of each variable, by its id, in an environment, with validations run; what is at fault is unknown.
/// `inputs` by variable name go over everything else.
#[must_use]
pub fn resolve_variables(
    configuration: &Configuration,
    environment: &Environment,
    inputs: &BTreeMap<String, VariableInput>,
    files: &dyn ProjectFiles,
) -> (Vec<Value>, Diagnostics) {
    resolve(configuration, environment, inputs, files, true)
}

/// As [`resolve_variables`]; a variable that nobody gives is a fault only if `complete`, and unknown otherwise.
pub(super) fn resolve(
    configuration: &Configuration,
    environment: &Environment,
    inputs: &BTreeMap<String, VariableInput>,
    files: &dyn ProjectFiles,
    complete: bool,
) -> (Vec<Value>, Diagnostics) {
    let mut faults = Diagnostics::default();
    for (name, input) in inputs {
        if !configuration.names.variables.contains_key(name.as_str()) {
            let fault = Diagnostic::error("undeclared", format!("there is no variable `{name}`"))
                .about(&input.origin);
            faults.push(match configuration.names.closest("var", name) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None => fault,
            });
        }
    }
    let scope =
        ConstantScope { files, project: &configuration.project.name, environment: Some(&environment.name) };
    let mut given: Vec<Option<&crate::syntax::Expr>> = vec![None; configuration.variables.len()];
    for value in &environment.variables {
        if let Some(slot) = given.get_mut(value.variable.0 as usize) {
            *slot = Some(&value.expr);
        }
    }
    let mut values = Vec::with_capacity(configuration.variables.len());
    for (variable, expr) in configuration.variables.iter().zip(&given) {
        let found = match (inputs.get(variable.name.name.as_ref()), expr) {
            (Some(input), _) => variable.input_value(input, &scope),
            (None, Some(expr)) => match variable.environment_value(expr, &scope) {
                // A template may call what has a value only at an apply. Where not everything is asked for, it may also be unknown
                // for a fault that is told already.
                Ok(value) if complete && !value.is_wholly_known() => Err(variable.not_known(expr.span)),
                found => found,
            },
            (None, None) => match &variable.default {
                Some(default) => Ok(default.clone()),
                None if complete => Err(variable.not_given(environment)),
                None => Ok(variable.unknown()),
            },
        };
        let value = found.unwrap_or_else(|found| {
            faults.extend(found);
            variable.unknown()
        });
        values.push(value.with_marks(variable.marks()));
    }
    let scope = WithVariables { base: &scope, values: &values };
    for ((variable, expr), _) in configuration.variables.iter().zip(&given).zip(&values) {
        let place =
            if inputs.contains_key(variable.name.name.as_ref()) { None } else { expr.map(|e| e.span) };
        for validation in &variable.validations {
            if let Err(found) = check(validation, &scope, variable, place) {
                faults.extend(found);
            }
        }
    }
    (values, faults)
}

struct WithVariables<'a> {
    base: &'a dyn Scope,
    values: &'a [Value],
}

impl Scope for WithVariables<'_> {
    fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
        match reference {
            Reference::Variable(id) => {
                Ok(self.values.get(id.0 as usize).cloned().unwrap_or_else(|| Value::unknown(Type::Dynamic)))
            }
            other => self.base.get(other),
        }
    }

    fn files(&self) -> &dyn ProjectFiles {
        self.base.files()
    }
}

/// Whether a validation holds; unknown does.
fn check(
    validation: &Condition,
    scope: &dyn Scope,
    variable: &Variable,
    place: Option<Span>,
) -> Result<(), Diagnostics> {
    let result = evaluate(&validation.condition, scope)?;
    let holds = convert(&result, &Type::Bool).ok().filter(|v| !v.is_null());
    let Some(holds) = holds else {
        return Err(Diagnostic::error("invalid-condition", "the condition has to be `true` or `false`")
            .at(validation.condition.span)
            .label(format!("this is {}", describe_value(&result)))
            .into());
    };
    if holds.as_bool() != Some(false) {
        return Ok(());
    }
    let message = evaluate(&validation.message, scope)?;
    let text = message
        .as_str()
        .filter(|_| message.marks_deep().is_empty())
        .map(|m| m.trim().trim_end_matches('.').to_owned());
    let fault =
        Diagnostic::error("validation-failed", format!("the value of `{}` is not valid", variable.name.name))
            .at(place.unwrap_or(variable.header));
    let fault = if place.is_some() { fault.see(variable.header, "the variable") } else { fault };
    Err(match text {
        Some(text) if !text.is_empty() => fault.because(text),
        _ => fault,
    }
    .into())
}

impl Variable {
    /// The marks of its values.
    pub(super) fn marks(&self) -> Marks {
        let sensitive = if self.sensitive { Marks::SENSITIVE } else { Marks::NONE };
        let ephemeral = if self.ephemeral { Marks::EPHEMERAL } else { Marks::NONE };
        sensitive.union(ephemeral)
    }

    fn unknown(&self) -> Value {
        Value::unknown(self.ty.without_optional())
    }

    fn not_given(&self, environment: &Environment) -> Diagnostics {
        let name = &self.name.name;
        let where_ = &environment.name;
        Diagnostic::error(
            "missing-variable",
            format!("the variable `{name}` has no value in the environment `{where_}`"),
        )
        .at(self.header)
        .hint(format!(
            "give it with `--var {name}=…`, or in `variables` of the environment, or give it a `default`"
        ))
        .into()
    }

    fn not_known(&self, span: Span) -> Diagnostics {
        let name = &self.name.name;
        Diagnostic::error("unknown-variable", format!("the value of `{name}` is known only at an apply"))
            .at(span)
            .hint("say it by what is known when planning")
            .into()
    }

    /// What null stands for: itself, or the default.
    pub(super) fn settle(&self, value: Value) -> Option<Value> {
        match (value.is_null(), self.nullable, &self.default) {
            (true, false, Some(default)) => Some(default.clone()),
            (true, false, None) => None,
            _ => Some(value),
        }
    }

    fn environment_value(&self, expr: &crate::syntax::Expr, scope: &dyn Scope) -> Result<Value, Diagnostics> {
        let value = evaluate(expr, scope)?;
        let name = &self.name.name;
        let converted = convert(&value, &self.ty).map_err(|error| {
            let shown = if self.sensitive { describe_type(&value.ty()) } else { describe_value(&value) };
            let fault =
                Diagnostic::error("type-mismatch", format!("`{name}` is {}", describe_type(&self.ty)))
                    .at(locate(expr, &error.path))
                    .see(self.header, "the variable");
            if error.path.0.is_empty() {
                fault.label(format!("this is {shown}"))
            } else {
                fault.because(format!("at `{name}{}`: {}", error.path, error.message))
            }
        })?;
        self.settle(converted).ok_or_else(|| {
            Diagnostic::error("null-variable", format!("`{name}` cannot be null"))
                .at(expr.span)
                .see(self.header, "the variable")
                .into()
        })
    }

    fn input_value(&self, input: &VariableInput, scope: &dyn Scope) -> Result<Value, Diagnostics> {
        let name = &self.name.name;
        let is_text = matches!(self.ty, Type::String | Type::Dynamic)
            && !matches!(self.ty, Type::Dynamic if looks_like_expression(&input.text));
        let value =
            if is_text { Value::string(input.text.as_str()) } else { self.read_expression(input, scope)? };
        let converted = convert(&value, &self.ty).map_err(|error| {
            let at =
                if error.path.0.is_empty() { String::new() } else { format!(" at `{name}{}`", error.path) };
            Diagnostic::error("type-mismatch", format!("`{name}` is {}", describe_type(&self.ty)))
                .about(&input.origin)
                .because(format!("{}{at}", error.message))
        })?;
        self.settle(converted).ok_or_else(|| {
            Diagnostic::error("null-variable", format!("`{name}` cannot be null")).about(&input.origin).into()
        })
    }

    /// A value that is no plain text is written as in a configuration. Its faults have no file to point into.
    fn read_expression(&self, input: &VariableInput, scope: &dyn Scope) -> Result<Value, Diagnostics> {
        // A plain word for a number or a bool is converted as text is, which words its fault best.
        if self.ty.is_primitive() {
            return Ok(if input.text == "null" {
                Value::null(Type::Dynamic)
            } else {
                Value::string(input.text.as_str())
            });
        }
        let without_place = |found: Diagnostics| -> Diagnostics {
            let reasons: Vec<String> = found.into_iter().map(|d| d.message).collect();
            Diagnostic::error("invalid-input", format!("the value of `{}` cannot be read", self.name.name))
                .about(&input.origin)
                .because(reasons.join("\n"))
                .hint(format!("{} is written as in a configuration", describe_type(&self.ty)))
                .into()
        };
        let parsed = parse_expression(FileId(u32::MAX), &input.text);
        if parsed.diagnostics.has_errors() {
            return Err(without_place(parsed.diagnostics));
        }
        let mut expr = parsed.tree;
        let names = Names::default();
        let mut resolver =
            Resolver::new(&names, Allowed::constant("a value that is given from outside"), &[]);
        resolver.expr(&mut expr);
        let resolved = resolver.finish();
        if resolved.diagnostics.has_errors() {
            return Err(without_place(resolved.diagnostics));
        }
        evaluate(&expr, scope).map_err(without_place)
    }
}

/// Whether the text for a variable without a type is a list or an object rather than text.
fn looks_like_expression(text: &str) -> bool {
    text.trim_start().starts_with(['[', '{'])
}

/// The default of a variable, checked against its type.
pub(super) fn default_value(
    name: &str,
    ty: &Type,
    nullable: bool,
    expr: &crate::syntax::Expr,
    scope: &dyn Scope,
) -> Result<Value, Diagnostics> {
    let value = evaluate(expr, scope)?;
    let converted = convert(&value, ty).map_err(|error| {
        let is_shape = error.path.0.is_empty() && !error.message.contains("attribute");
        let label =
            if is_shape { format!("this is {}", describe_value(&value)) } else { error.message.clone() };
        Diagnostic::error("type-mismatch", format!("the default of `{name}` is not {}", describe_type(ty)))
            .summary("Invalid default value for variable")
            .at(locate(expr, &error.path))
            .label(label)
    })?;
    if matches!(converted.kind(), Kind::Null(_)) && !nullable {
        return Err(Diagnostic::error(
            "null-variable",
            format!("`{name}` is not nullable, and so null cannot be its default"),
        )
        .summary("Invalid default value for variable")
        .at(expr.span)
        .into());
    }
    Ok(converted)
}
