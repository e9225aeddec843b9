//! Type constraints: `list(object({ name = string, port = optional(number, 80) }))`.

use diag::{Diagnostic, Diagnostics};
use value::{Attribute, ObjectType, Type, Value, convert};

use super::{Scope, evaluate};
use crate::resolve::{Allowed, Names, Resolver};
use crate::syntax::{Call, Expr, ExprKind, parse_expression};

const WORDS: [&str; 10] =
    ["string", "number", "bool", "any", "list", "set", "map", "object", "tuple", "optional"];

/// The type that an unresolved expression writes. Defaults of `optional` may call functions; `scope` is where those read files.
///
/// # Errors
/// All faults of the constraint.
pub fn type_constraint(expr: &Expr, scope: &dyn Scope) -> Result<Type, Diagnostics> {
    let mut reader = Reader { scope, diagnostics: Diagnostics::default() };
    let ty = reader.read(expr, false).ty;
    if reader.diagnostics.has_errors() { Err(reader.diagnostics) } else { Ok(ty) }
}

struct Reader<'a> {
    scope: &'a dyn Scope,
    diagnostics: Diagnostics,
}

impl Reader<'_> {
    fn fail(&mut self, diagnostic: Diagnostic) -> Attribute {
        self.diagnostics.push(diagnostic);
        Attribute::required(Type::Dynamic)
    }

    /// A type; `optional` around it only where `attribute` says that it is one of an object.
    fn read(&mut self, expr: &Expr, attribute: bool) -> Attribute {
        match &expr.kind {
            ExprKind::Name(name) => match name.as_ref() {
                "string" => Attribute::required(Type::String),
                "number" => Attribute::required(Type::Number),
                "bool" => Attribute::required(Type::Bool),
                "any" => Attribute::required(Type::Dynamic),
                // What older configurations write; Terraform still takes them so.
                "list" => Attribute::required(Type::list(Type::Dynamic)),
                "map" => Attribute::required(Type::map(Type::Dynamic)),
                word @ ("set" | "object" | "tuple" | "optional") => {
                    let fault = Diagnostic::error("invalid-type", format!("`{word}` alone is no type")).at(expr.span);
                    self.fail(fault.hint(format!("write what it holds: `{}`", example(word))))
                }
                word => {
                    let fault = Diagnostic::error("invalid-type", format!("there is no type `{word}`")).at(expr.span);
                    self.fail(suggest(fault, word))
                }
            },
            ExprKind::Call(call) => self.constructor(call, expr, attribute),
            // What Terraform before 0.12 wrote: `type = "string"`.
            ExprKind::Literal(value) if value.as_str().is_some() => {
                let word = value.as_str().unwrap_or("").to_owned();
                let fault = Diagnostic::error("invalid-type", "a type is written without quotes").at(expr.span);
                let fault = fault.summary(match word.as_str() {
                    "string" | "number" | "bool" | "list" | "map" | "set" => "Invalid quoted type constraints",
                    _ => "Invalid legacy variable type hint",
                });
                let parsed = parse_expression(expr.span.file, &word);
                let is_type = matches!(&parsed.tree.kind, ExprKind::Name(n) if WORDS.contains(&n.as_ref()))
                    || matches!(parsed.tree.kind, ExprKind::Call(_));
                self.fail(if is_type { fault.hint(format!("write `{word}`")) } else { suggest(fault, &word) })
            }
            ExprKind::Broken => Attribute::required(Type::Dynamic),
            ExprKind::Object(_) => {
                let fault = Diagnostic::error("invalid-type", "the type of an object is written `object({ … })`");
                self.fail(fault.at(expr.span))
            }
            ExprKind::Tuple(_) => {
                let fault = Diagnostic::error("invalid-type", "a list's type is written `list(…)`, a tuple's `tuple([ … ])`");
                self.fail(fault.at(expr.span))
            }
            _ => self.fail(
                Diagnostic::error("invalid-type", "this is no type")
                    .at(expr.span)
                    .hint("types are string, number, bool, any, list(…), set(…), map(…), object({ … }) and tuple([ … ])"),
            ),
        }
    }

    fn constructor(&mut self, call: &Call, expr: &Expr, attribute: bool) -> Attribute {
        let word = call.name.name.as_ref();
        let arguments = call.arguments.as_slice();
        let ty = match (word, arguments) {
            ("list", [element]) => Type::list(self.read(element, false).ty),
            ("set", [element]) => Type::set(self.read(element, false).ty),
            ("map", [element]) => Type::map(self.read(element, false).ty),
            ("object", [Expr { kind: ExprKind::Object(items), .. }]) => return self.object(items),
            ("tuple", [Expr { kind: ExprKind::Tuple(elements), .. }]) => {
                Type::tuple(elements.iter().map(|e| self.read(e, false).ty).collect::<Vec<_>>())
            }
            ("optional", [inner, default @ ..]) if attribute && default.len() <= 1 => {
                let ty = self.read(inner, false).ty;
                let default = default.first().and_then(|d| self.default(d, &ty));
                return Attribute::optional(ty, default);
            }
            ("optional", _) if !attribute => {
                let fault = Diagnostic::error(
                    "invalid-type",
                    "`optional` can only be around the type of an object's attribute",
                );
                return self.fail(fault.at(expr.span));
            }
            ("list" | "set" | "map" | "object" | "tuple" | "optional", _) => {
                let fault = Diagnostic::error("invalid-type", format!("`{word}` is not written like this"))
                    .at(expr.span);
                return self.fail(fault.hint(format!("write it as in `{}`", example(word))));
            }
            ("string" | "number" | "bool" | "any", _) => {
                let fault =
                    Diagnostic::error("invalid-type", format!("`{word}` takes nothing between parentheses"));
                return self.fail(fault.at(expr.span).hint(format!("write `{word}`")));
            }
            _ => {
                let fault = Diagnostic::error("invalid-type", format!("there is no type `{word}`"))
                    .at(call.name.span);
                return self.fail(suggest(fault, word));
            }
        };
        Attribute::required(ty)
    }

    fn object(&mut self, items: &[crate::syntax::Item]) -> Attribute {
        let mut object = ObjectType::default();
        for item in items {
            let ExprKind::Literal(key) = &item.key.kind else {
                self.fail(
                    Diagnostic::error("invalid-type", "an attribute of an object type is a plain name")
                        .at(item.key.span),
                );
                continue;
            };
            let Some(name) = key.as_str() else { continue };
            let attribute = self.read(&item.value, true);
            if object.attributes.insert(name.into(), attribute).is_some() {
                self.fail(
                    Diagnostic::error("duplicate-attribute", format!("the object type has `{name}` twice"))
                        .at(item.key.span),
                );
            }
        }
        Attribute::required(Type::Object(object.into()))
    }

    fn default(&mut self, expr: &Expr, ty: &Type) -> Option<Value> {
        let names = Names::default();
        let mut expr = expr.clone();
        let mut resolver = Resolver::new(&names, Allowed::constant("the default of an attribute"), &[]);
        resolver.expr(&mut expr);
        let resolved = resolver.finish();
        if resolved.diagnostics.has_errors() {
            self.diagnostics.extend(resolved.diagnostics);
            return None;
        }
        match evaluate(&expr, self.scope) {
            Ok(value) => match convert(&value, ty) {
                Ok(value) => Some(value),
                Err(e) => {
                    let message = format!("the default does not have its type: {}{}", e.message, at(&e.path));
                    self.fail(Diagnostic::error("invalid-default", message).at(expr.span));
                    None
                }
            },
            Err(faults) => {
                self.diagnostics.extend(faults);
                None
            }
        }
    }
}

fn at(path: &value::Path) -> String {
    if path.0.is_empty() { String::new() } else { format!(", at `{path}`") }
}

fn suggest(fault: Diagnostic, word: &str) -> Diagnostic {
    let meant = match word {
        "str" | "text" | "String" => Some("string"),
        "int" | "integer" | "float" | "double" => Some("number"),
        "boolean" => Some("bool"),
        "array" => Some("list"),
        "dict" | "hash" => Some("map"),
        _ => diag::closest(word, WORDS),
    };
    match meant {
        Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
        None => fault.hint(
            "types are string, number, bool, any, list(…), set(…), map(…), object({ … }) and tuple([ … ])",
        ),
    }
}

fn example(word: &str) -> &'static str {
    match word {
        "set" => "set(string)",
        "map" => "map(string)",
        "object" => "object({ name = string })",
        "tuple" => "tuple([string, number])",
        "optional" => "optional(string, \"default\")",
        _ => "list(string)",
    }
}
