//! Variables and locals.

use diag::Diagnostic;
use value::{Type, Value};

use super::super::collect::Collector;
use super::super::declaration::{Local, Variable};
use super::super::scope::ConstantScope;
use super::super::variables::default_value;
use super::{Conditions, Part};
use crate::blocks;
use crate::eval::type_constraint;
use crate::resolve::{Allowed, Reference, VariableId};
use crate::schema::decode;
use crate::syntax::{Block, Expr, ExprKind, Identifier};

/// Arguments of a `module` block, which no variable of a module can have as its name.
const MODULE_ARGUMENTS: [&str; 9] =
    ["source", "version", "provider", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"];

impl Collector<'_> {
    pub(in super::super) fn variable(&mut self, name: Identifier, mut block: Block) {
        let header = block.header();
        self.check_variable_name(&name);
        let ty_expr = block.body.attribute("type").map(|a| a.expr.clone());
        let default_expr = block.body.attribute("default").map(|a| a.expr.clone());
        // A type's words are no references, and so are kept from the resolver.
        for attribute in &mut block.body.attributes {
            // Nor is anything that is said under a name that is not known.
            if matches!(attribute.name.name.as_ref(), "type" | "default")
                || blocks::VARIABLE.attribute(&attribute.name.name).is_none()
            {
                attribute.expr.kind = ExprKind::Broken;
            }
        }
        let own = self.configuration.names.variables.get(&name.name).copied();
        // The variables of a project have values before anything else has.
        let allowed =
            if self.is_module { Allowed::all("a validation") } else { Allowed::values("a validation") };
        let validations = self.conditions(&mut block.body, "validation", allowed);
        // Blocks that are left are none of a variable, whatever they say.
        let settings = self.constants("a variable");
        for attribute in &mut block.body.attributes {
            self.resolve_expr(&mut attribute.expr, settings, &[]);
        }
        let files = self.files;
        let project = self.configuration.project.name.clone();
        let scope = ConstantScope { files, project: &project, environment: None };
        self.suitable(&block.body, &blocks::VARIABLE, &scope);
        let what = format!("variable \"{}\"", name.name);
        let decoded = decode(&block.body, header, &what, &blocks::VARIABLE, &[], &scope);
        self.faults.extend(decoded.diagnostics);
        let flag = |key: &str, otherwise: bool| {
            decoded.value.get(key).and_then(|v| v.as_bool()).unwrap_or(otherwise)
        };
        let nullable = flag("nullable", true);
        let is_typed = ty_expr.is_some();
        let ty = ty_expr.map_or(Type::Dynamic, |expr| {
            self.optional_defaults(&expr);
            let read = type_constraint(&expr, &scope);
            if self.is_module && read.is_ok() && expr.is_broken() {
                let fault = Diagnostic::error("invalid-type", "this is no type").at(expr.span);
                self.faults.push(fault.hint("write one as in `string` or `list(number)`"));
            }
            read.unwrap_or_else(|faults| {
                self.faults.extend(faults);
                Type::Dynamic
            })
        });
        let default = default_expr.map(|mut expr| {
            let allowed = self.constants("the default of a variable");
            if !self.resolve_names(&mut expr, allowed, &[]).are_found {
                return Value::unknown(ty.without_optional());
            }
            default_value(&name.name, &ty, nullable, &expr, &scope).unwrap_or_else(|mut faults| {
                if let Some(change) = self.changed.get(&name.name) {
                    faults.0.iter_mut().for_each(|fault| fault.span = Some(*change));
                }
                self.faults.extend(faults);
                Value::unknown(ty.without_optional())
            })
        });
        let description = decoded.value.get("description").and_then(|v| v.as_str().map(str::to_owned));
        if let Some(own) = own {
            self.check_own_condition(&validations, own, &name.name);
        }
        self.configuration.variables.push(Variable {
            sensitive: flag("sensitive", false),
            ephemeral: flag("ephemeral", false),
            name,
            ty,
            is_typed,
            default,
            description,
            nullable,
            validations: validations.list,
            header,
            references: validations.references,
        });
    }

    /// In Terraform no function can be called in them, as in the default of the variable.
    fn optional_defaults(&mut self, ty: &Expr) {
        let allowed = self.constants("the default of an attribute");
        if !allowed.without_functions {
            return;
        }
        let mut defaults = Vec::new();
        ty.each(&mut |expr| {
            if let ExprKind::Call(call) = &expr.kind
                && let "optional" = call.name.name.as_ref()
            {
                defaults.extend(call.arguments.get(1).cloned());
            }
        });
        for mut default in defaults {
            self.resolve_names(&mut default, allowed, &[]);
        }
    }

    fn check_variable_name(&mut self, name: &Identifier) {
        if MODULE_ARGUMENTS.contains(&name.name.as_ref()) {
            self.faults.push(
                Diagnostic::error("invalid-name", format!("a variable cannot be called `{}`", name.name))
                    .summary("Invalid variable name")
                    .at(name.span)
                    .because("a `module` block has an argument of this name already")
                    .hint("give the variable another name"),
            );
        }
    }

    /// A validation is about its own variable.
    fn check_own_condition(&mut self, validations: &Conditions, own: VariableId, name: &str) {
        for Part { span, is_condition, references, refers } in &validations.parts {
            let refers = *refers || self.is_module;
            if *is_condition && refers && !references.contains(&Reference::Variable(own)) {
                self.faults.push(
                    Diagnostic::error(
                        "foreign-condition",
                        format!("this condition does not refer to `var.{name}`"),
                    )
                    .at(*span)
                    .hint("a validation is about its own variable; check others where they are declared"),
                );
            }
        }
    }

    pub(in super::super) fn local(&mut self, name: Identifier, mut expr: Expr) {
        let references = self.resolve_expr(&mut expr, Allowed::all("a local"), &[]);
        self.configuration.locals.push(Local { name, expr, references });
    }
}
