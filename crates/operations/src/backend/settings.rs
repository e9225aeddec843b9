//! The settings of a backend, from its block or from a value: read by name, each at most once; what is left over is a fault.

use std::collections::BTreeMap;

use super::GivenSettings;
use diag::{Diagnostic, Diagnostics, Span};
use lang::configuration::ConstantScope;
use lang::resolve::{Allowed, Names, Resolver};
use lang::syntax::{Block, Expr};
use lang::{ProjectFiles, evaluate};
use value::{Type, Value, convert};

/// What is set.
pub(super) struct Settings {
    /// Of which backend.
    pub kind: String,
    given: BTreeMap<String, Setting>,
    /// Every name that was asked for.
    known: Vec<&'static str>,
    faults: Diagnostics,
}

struct Setting {
    value: Value,
    place: Option<Span>,
}

impl Settings {
    /// Those of a block. Its values need nothing but themselves.
    pub fn of_block(kind: &str, block: &Block, files: &dyn ProjectFiles) -> Result<Self, Diagnostics> {
        let mut settings = Self::empty(kind);
        for attribute in &block.body.attributes {
            match constant(&attribute.expr, files) {
                Ok(value) => {
                    let setting = Setting { value, place: Some(attribute.expr.span) };
                    settings.given.insert(attribute.name.name.to_string(), setting);
                }
                Err(faults) => settings.faults.extend(faults),
            }
        }
        for inner in &block.body.blocks {
            let mut members = Vec::new();
            for attribute in &inner.body.attributes {
                match constant(&attribute.expr, files) {
                    Ok(value) => members.push((attribute.name.name.clone(), value)),
                    Err(faults) => settings.faults.extend(faults),
                }
            }
            let setting = Setting { value: Value::object(members), place: Some(inner.kind.span) };
            settings.given.insert(inner.kind.name.to_string(), setting);
        }
        if settings.faults.is_empty() { Ok(settings) } else { Err(settings.faults) }
    }

    /// Puts others over them.
    pub fn extend(&mut self, given: &GivenSettings) {
        for (name, value) in &given.0 {
            self.given.insert(name.clone(), Setting { value: value.clone(), place: None });
        }
    }

    /// Those of an object.
    pub fn of_value(kind: &str, config: &Value) -> Result<Self, Diagnostics> {
        let mut settings = Self::empty(kind);
        if config.is_null() {
            return Ok(settings);
        }
        let Some(entries) = config.as_entries() else {
            return Err(Diagnostic::error("backend", "an object is required").into());
        };
        for (name, value) in entries.iter() {
            settings.given.insert(name.to_string(), Setting { value: value.clone(), place: None });
        }
        Ok(settings)
    }

    fn empty(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            given: BTreeMap::new(),
            known: Vec::new(),
            faults: Diagnostics::default(),
        }
    }

    /// The value of a setting, without marks; none where it is not set, or null.
    fn take(&mut self, name: &'static str) -> Option<Setting> {
        self.known.push(name);
        let setting = self.given.remove(name)?;
        let value = setting.value.unmark_deep().0;
        (!value.is_null()).then_some(Setting { value, place: setting.place })
    }

    fn fault(&mut self, place: Option<Span>, message: String) -> &mut Diagnostic {
        let fault = Diagnostic::error("backend", message);
        self.faults.push(match place {
            Some(place) => fault.at(place),
            None => fault,
        });
        let last = self.faults.0.len() - 1;
        &mut self.faults.0[last]
    }

    /// Says that something is wrong with several settings together.
    pub fn wrong(&mut self, message: &str) {
        self.fault(None, message.to_owned());
    }

    /// A text, not empty.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let Setting { value, place } = self.take(name)?;
        match convert(&value, &Type::String).ok().as_ref().and_then(Value::as_str) {
            Some("") => {
                self.fault(place, format!("`{name}` of the backend is empty")).hint =
                    Some("leave it out, or name one".to_owned());
                None
            }
            Some(text) => Some(text.to_owned()),
            None => {
                self.fault(place, format!("`{name}` of the backend is text"));
                None
            }
        }
    }

    /// A text that has to be there: by the setting, or else by `other`.
    pub fn required(&mut self, name: &'static str, other: Option<&String>, hint: &str) -> String {
        let is_set = self.given.contains_key(name);
        match self.text(name).or_else(|| other.filter(|text| !text.is_empty()).cloned()) {
            Some(text) => text,
            None => {
                if !is_set {
                    let message = format!("the backend \"{}\" needs `{name}`", self.kind);
                    self.fault(None, message).hint = Some(hint.to_owned());
                }
                String::new()
            }
        }
    }

    /// Settings that mean nothing here, and do no harm.
    pub fn pass_over(&mut self, names: &[&'static str]) {
        for name in names {
            self.take(name);
        }
    }

    /// All values by name, without marks.
    pub fn arguments(&self) -> BTreeMap<String, Value> {
        self.given
            .iter()
            .map(|(name, setting)| (name.clone(), setting.value.clone().unmark_deep().0))
            .collect()
    }

    /// Faults whose subject is a setting, at its place.
    pub fn placed(&self, faults: Diagnostics) -> Diagnostics {
        let placed = faults.into_iter().map(|fault| {
            let place = fault.subject.as_ref().and_then(|name| self.given.get(name)?.place);
            match place {
                Some(place) => fault.at(place),
                None => fault,
            }
        });
        Diagnostics(placed.collect())
    }

    /// That nothing is wrong, and nothing is left over.
    pub fn finish(mut self) -> Result<(), Diagnostics> {
        for (name, setting) in std::mem::take(&mut self.given) {
            let meant = diag::closest(&name, self.known.iter().copied()).map(str::to_owned);
            let all: Vec<String> = self.known.iter().take(8).map(|known| format!("`{known}`")).collect();
            let message = format!("the backend \"{}\" has no setting `{name}`", self.kind);
            self.fault(setting.place, message).hint = Some(match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("it has {}", all.join(", ")),
            });
        }
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults) }
    }
}

/// The value of an expression that needs nothing else.
fn constant(expr: &Expr, files: &dyn ProjectFiles) -> Result<Value, Diagnostics> {
    let mut expr = expr.clone();
    let names = Names::default();
    let allowed = Allowed { without_functions: true, ..Allowed::constant("the settings of a backend") };
    let mut resolver = Resolver::new(&names, allowed, &[]);
    resolver.expr(&mut expr);
    let found = resolver.finish().diagnostics;
    if !found.is_empty() {
        return Err(found);
    }
    evaluate(&expr, &ConstantScope { files, project: "", environment: None })
}
