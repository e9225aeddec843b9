//! Function calls, `try` and `can`, and the templates of `templatefile`.

use diag::{Diagnostic, FileId, Span};
use value::{Type, Value};

use super::{Evaluator, Scope, describe_type};
use crate::functions::{self, FunctionContext};
use crate::resolve::{Allowed, Names, Resolver};
use crate::syntax::{Call, parse_template};

impl Evaluator<'_> {
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Value {
        match call.name.name.strip_prefix("core::").unwrap_or(&call.name.name) {
            "try" => self.attempt(call, span),
            "can" => self.can(call, span),
            "templatefile" | "templatestring" if self.in_template => self.fail(
                Diagnostic::error("nested-template", "a template cannot render another template")
                    .at(span)
                    .hint("give it the rendered text as a variable"),
            ),
            name => self.function(name, call, span),
        }
    }

    fn function(&mut self, name: &str, call: &Call, span: Span) -> Value {
        let faults = self.diagnostics.0.len();
        let Some(arguments) = self.arguments(call) else { return Value::unknown(Type::Dynamic) };
        // An argument that failed is unknown, and what a function says about it would follow from the first fault.
        if self.diagnostics.0.len() > faults {
            return Value::unknown(Type::Dynamic);
        }
        let scope = self.scope;
        let template = |name: &str, text: &str, variables: &Value| render(scope, name, text, variables);
        let result = if name.starts_with("provider::") {
            scope.call(name, &arguments)
        } else {
            let context = FunctionContext {
                files: scope.files(),
                template: &template,
                may_draw: scope.may_draw(),
                now: scope.now(),
                plan_time: scope.plan_time(),
            };
            functions::call(name, &arguments, &context)
        };
        match result {
            Ok(value) => value,
            Err(error) => {
                let at = error.argument.and_then(|i| call.arguments.get(i).or(call.arguments.last()));
                let fault = Diagnostic::error("function-call", sentence(name, &error))
                    .summary(summary(&error))
                    .at(at.map_or(span, |a| a.span));
                let fault = match error.hint {
                    Some(hint) => fault.hint(hint),
                    None => fault,
                };
                self.fail(fault)
            }
        }
    }

    /// The arguments with the last one spread out where `...` asks for it; `None` if what they are is not known, or after a fault.
    fn arguments(&mut self, call: &Call) -> Option<Vec<Value>> {
        let mut arguments: Vec<Value> = call.arguments.iter().map(|a| self.value(a)).collect();
        if !call.expand {
            return Some(arguments);
        }
        let (last, marks) = arguments.pop()?.unmark();
        let span = call.arguments.last().map_or(call.name.span, |a| a.span);
        if last.is_null() {
            self.fail(Diagnostic::error("invalid-expansion", "`...` cannot spread null").at(span));
            return None;
        }
        match last.as_slice() {
            Some(elements) => {
                arguments.extend(elements.iter().map(|e| e.clone().with_marks(marks)));
                Some(arguments)
            }
            None => {
                let ty = last.ty();
                if !matches!(ty, Type::Dynamic | Type::List(_) | Type::Set(_) | Type::Tuple(_)) {
                    self.fail(
                        Diagnostic::error("invalid-expansion", "`...` spreads a list, a set or a tuple")
                            .at(span)
                            .label(format!("this is {}", describe_type(&ty))),
                    );
                }
                None
            }
        }
    }

    /// `try`: the first argument that has no fault.
    fn attempt(&mut self, call: &Call, span: Span) -> Value {
        if call.arguments.is_empty() {
            return self.fail(
                Diagnostic::error("function-call", "`try`: at least one argument is required").at(span),
            );
        }
        let mut reasons = Vec::new();
        for argument in &call.arguments {
            let (value, faults) = self.apart(argument);
            if !faults.has_errors() {
                // Whether an unknown value will fail once it is known cannot be told.
                return if value.is_wholly_known() {
                    value
                } else {
                    Value::unknown(Type::Dynamic).with_marks(value.marks_deep())
                };
            }
            reasons.extend(faults.into_iter().map(|f| f.message));
        }
        let fault = Diagnostic::error("function-call", "every argument of `try` fails").at(span);
        self.fail(fault.because(reasons.join("\n")))
    }

    fn can(&mut self, call: &Call, span: Span) -> Value {
        let argument = match call.arguments.as_slice() {
            [argument] => argument,
            others => {
                let message = if others.is_empty() {
                    "Function \"can\" expects 1 argument(s). Missing value for \"expression\""
                } else {
                    "Function \"can\" expects only 1 argument(s)"
                };
                return self.fail(Diagnostic::error("function-call", message).at(span));
            }
        };
        let (value, faults) = self.apart(argument);
        if faults.has_errors() {
            Value::bool(false)
        } else if value.is_wholly_known() {
            Value::bool(true)
        } else {
            super::operator::unknown(Type::Bool)
        }
    }
}

/// What Terraform calls what went wrong with a call.
fn summary(error: &functions::FunctionError) -> &'static str {
    if error.argument.is_some() {
        return "Invalid function argument";
    }
    let expects = error.message.strip_prefix("Function \"").and_then(|rest| rest.split_once("\" expects "));
    match expects {
        Some((_, rest)) if rest.starts_with("only") => "Too many function arguments",
        Some(_) => "Not enough function arguments",
        None => "Error in function call",
    }
}

/// What went wrong with a call, as a sentence without its full stop.
fn sentence(name: &str, error: &functions::FunctionError) -> String {
    let message = error.message.trim_end_matches('.');
    let parameter = error.argument.and_then(|at| Some(functions::signature(name)?.parameter(at)?.name));
    match parameter {
        Some(parameter) => format!("`{parameter}` of `{name}`: {message}"),
        None if message.starts_with(char::is_uppercase) => message.to_owned(),
        None => format!("`{name}`: {message}"),
    }
}

/// Renders a template's text with variables: an object or a map.
fn render(scope: &dyn Scope, name: &str, text: &str, variables: &Value) -> Result<Value, String> {
    let parsed = parse_template(FileId(u32::MAX), text);
    let place = |diagnostic: &Diagnostic| {
        let start = diagnostic.span.map_or(0, |s| s.start as usize);
        let before = text.get(..start).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let hint = diagnostic.hint.as_ref().map_or_else(String::new, |h| format!(" ({h})"));
        format!("{name}, line {line}: {}{hint}", diagnostic.message)
    };
    let reasons = |faults: &diag::Diagnostics| {
        let all: Vec<String> = faults.0.iter().map(place).collect();
        Err(all.join("\n"))
    };
    if parsed.diagnostics.has_errors() {
        return reasons(&parsed.diagnostics);
    }
    let (variables, marks) = variables.clone().unmark();
    let entries =
        variables.as_entries().ok_or_else(|| "the variables have to be an object or a map".to_owned())?;
    let bound: Vec<&str> = entries.keys().map(AsRef::as_ref).collect();
    let slots: Vec<Value> = entries.values().map(|v| v.clone().with_marks(marks)).collect();
    let names = Names::default();
    let mut tree = parsed.tree;
    let mut resolver = Resolver::new(
        &names,
        Allowed {
            random: true,
            ..Allowed::constant("a template, which knows only the variables given to it")
        },
        &bound,
    );
    resolver.expr(&mut tree);
    let resolved = resolver.finish();
    if resolved.diagnostics.has_errors() {
        return reasons(&resolved.diagnostics);
    }
    let mut evaluator = Evaluator::new(scope, &slots);
    evaluator.in_template = true;
    let value = evaluator.value(&tree);
    evaluator.finish(value).or_else(|faults| reasons(&faults))
}
