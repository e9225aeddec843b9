//! Objects of which an interrupted run leaves open whether they were made: they are looked for by whatever is known of them, and nothing
//! is planned for them until a person says whether they are adopted or forgotten.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use diag::{Diagnostic, Diagnostics, Span};
use lang::schema::Block;
use value::{Kind, Type, Value};

use super::marks::plain;
use super::object::Asking;
use super::planner::Planner;
use super::rows::Row;
use crate::Address;
use crate::inconsistency::agrees;
use crate::stack::apply::{Doubt, Ways};
use crate::stack::provider::{IdentitySchema, ImportBy, Imported, Observed, Powers};

/// The most names under which an object is looked for: each costs a call or two.
const NAMES_MAX: usize = 4;

/// The objects in doubt of a plan.
pub(super) struct Doubts {
    all: HashMap<Address, Doubt>,
    ways: Ways,
    /// Those that nothing was said of yet.
    untold: Mutex<Vec<Address>>,
}

/// What was found of an object in doubt.
enum Found {
    /// It is there.
    There {
        /// What it can be imported by.
        id: Option<String>,
        /// Whether it is what was planned.
        is_as_planned: bool,
    },
    /// It is not there under any name that it could have.
    Nowhere {
        /// The names.
        names: Vec<String>,
        /// Whether its identity is among them, by which it would be found if it were there.
        is_certain: bool,
    },
    /// Nobody can tell.
    Unknown(&'static str),
}

impl Doubts {
    /// Those of `all` whose address has no object among `rows`; one that was pushed aside is another object.
    pub fn new(all: &[Doubt], ways: Ways, rows: &[Row]) -> Self {
        let mut all: HashMap<Address, Doubt> =
            all.iter().map(|doubt| (doubt.address.clone(), doubt.clone())).collect();
        if !all.is_empty() {
            for row in rows.iter().filter(|row| row.row.record.deposed.is_none()) {
                all.remove(&row.row.address);
            }
        }
        let untold = all.keys().cloned().collect();
        Self { all, ways, untold: Mutex::new(untold) }
    }

    /// The doubt about an instance.
    pub fn of(&self, address: &Address) -> Option<&Doubt> {
        self.all.get(address)
    }

    /// An error that says what was found of an object, and what a person can do.
    pub async fn tell(
        &self,
        planner: &Planner,
        asking: &Asking<'_>,
        doubt: &Doubt,
        span: Option<Span>,
    ) -> Diagnostics {
        let address = &doubt.address;
        self.untold.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| other != address);
        let found = {
            let _permit = planner.permit().await;
            look(asking, doubt).await
        };
        let kind = &address.kind;
        let (why, id) = match found {
            Found::There { id, is_as_planned } => {
                let named = id.as_ref().map(|id| format!(" {id:?}")).unwrap_or_default();
                let how = if is_as_planned { "is what was planned" } else { "differs from what was planned" };
                (format!("{kind}{named} exists, and {how}"), Some(id))
            }
            Found::Nowhere { names, is_certain: true } => {
                (format!("there is no {kind} {}", names.join(" or ")), None)
            }
            Found::Nowhere { names, is_certain: false } => {
                let names = names.join(" or ");
                let why = "whether it would be known by that nobody can tell; look for it by hand";
                (format!("no {kind} was found by {names}, and {why}"), Some(None))
            }
            Found::Unknown(why) => (why.to_owned(), Some(None)),
        };
        let why = format!("it was being made when the run ended; {why}");
        let mut fault =
            Diagnostic::error("in-doubt", "an interrupted run left it open whether this object exists")
                .about(address.to_string())
                .because(why);
        fault.span = span;
        let forget = self.ways.forget(address);
        fault
            .hint(match id {
                Some(id) => {
                    let adopt = self.ways.adopt(address, id.as_deref());
                    format!("if it is this one, adopt it: `{adopt}`; if it is not or is gone, forget it: `{forget}`")
                }
                None => format!("forget it, and the next plan makes it: `{forget}`"),
            })
            .into()
    }

    /// Warnings of objects that the plan did not come to.
    pub fn rest(&self) -> Diagnostics {
        let mut untold = std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
        untold.sort_by_cached_key(ToString::to_string);
        let warnings = untold.into_iter().map(|address| {
            let forget = self.ways.forget(&address);
            Diagnostic::warning("in-doubt", "an interrupted run left it open whether this object exists")
                .about(address.to_string())
                .because("nothing describes it in this plan")
                .hint(format!(
                    "look whether it exists, and remove it by hand if it does; then forget it: `{forget}`"
                ))
        });
        Diagnostics(warnings.collect())
    }
}

async fn look(asking: &Asking<'_>, doubt: &Doubt) -> Found {
    let Some(powers) = asking.provider.powers() else {
        return Found::Unknown("its provider looks nothing up, so that nobody can tell");
    };
    let planned = plain(&doubt.planned);
    let kind = doubt.address.kind.as_str();
    let (mut names, mut is_certain) = (Vec::new(), false);
    if let Some(schema) = &asking.kind.identity
        && let Some(identity) = identity(schema, &planned)
    {
        let shown = json_text(&identity);
        if let Some(observed) = imported(asking, powers, kind, ImportBy::Identity(&identity)).await {
            let id = observed.value.get("id").and_then(|id| id.as_str().map(str::to_owned));
            return Found::There { id, is_as_planned: agrees(&planned, &observed.value) };
        }
        names.push(shown);
        is_certain = true;
    }
    for (attribute, name) in candidates(&asking.kind.block, kind, &planned) {
        let Some(observed) = imported(asking, powers, kind, ImportBy::Id(&name)).await else {
            names.push(format!("{name:?}"));
            continue;
        };
        // Some providers find something by any name: it has to be the one that was looked for.
        if observed.value.get(&attribute).is_some_and(|found| found.as_str() == Some(&name)) {
            return Found::There { id: Some(name), is_as_planned: agrees(&planned, &observed.value) };
        }
        names.push(format!("{name:?}"));
    }
    if names.is_empty() {
        Found::Unknown(
            "its name is given by the other side, so that it cannot be looked up; look for it by hand",
        )
    } else {
        Found::Nowhere { names, is_certain }
    }
}

/// An object that is found and, once it is read, still there.
async fn imported(
    asking: &Asking<'_>,
    powers: &dyn Powers,
    kind: &str,
    by: ImportBy<'_>,
) -> Option<Observed> {
    // What cannot be found is told in as many ways as there are providers, mostly as an error.
    let found = powers.import(kind, by).await.ok()?;
    let Imported { object, .. } = found.into_iter().find(|one| one.kind.as_ref() == kind)?;
    asking.provider.read(kind, &object).await.ok()?.value
}

/// The identity of a planned object, where all that is required of it is known before it is made.
fn identity(schema: &IdentitySchema, planned: &Value) -> Option<Value> {
    let parts = schema.attributes.iter().map(|(name, attribute)| {
        let known = planned.get(name).filter(|value| value.is_wholly_known() && !value.is_null());
        match known {
            Some(value) => Some((name.clone(), value)),
            None if attribute.is_required => None,
            None => Some((name.clone(), Value::null(attribute.ty.clone()))),
        }
    });
    parts.collect::<Option<Vec<_>>>().map(Value::object)
}

/// What an object that is identified by an id may be called: texts that are known before it is made, likely ones first.
fn candidates(block: &Block, kind: &str, planned: &Value) -> Vec<(String, String)> {
    let Kind::Object(entries) = planned.kind() else { return Vec::new() };
    let last = kind.rsplit('_').next().unwrap_or(kind);
    let rank = |name: &str| match name {
        "id" => Some(0),
        "name" => Some(1),
        _ if name == last || name == format!("{last}_name") || name == format!("{last}_id") => Some(2),
        _ if name.ends_with("_name") || name.ends_with("identifier") => Some(3),
        _ => None,
    };
    let texts = block.attributes.iter().filter(|attribute| attribute.ty == Type::String);
    let mut found: Vec<(u8, String, String)> = texts
        .filter_map(|attribute| {
            let text = entries.get(&attribute.name)?.as_str().filter(|text| !text.is_empty())?;
            Some((rank(&attribute.name)?, attribute.name.to_string(), text.to_owned()))
        })
        .collect();
    found.sort();
    found.truncate(NAMES_MAX);
    found.into_iter().map(|(_, attribute, text)| (attribute, text)).collect()
}

fn json_text(identity: &Value) -> String {
    value::to_json(identity).map(|json| json.to_string()).unwrap_or_default()
}
