//! Managed resources: `scripted_thing`, which has one of everything that the protocol knows, and `other_thing`, whose state it takes
//! over.

mod apply;
mod fill;
mod lookup;
mod plan;
mod stored;
mod validate;

use plugin::wire::messages::IdentityData;
use value::{Type, Value};

pub(super) use apply::apply;
pub(super) use lookup::{import, read};
pub(super) use plan::plan;
pub(super) use stored::{take_over, upgrade, upgrade_identity};
pub(super) use validate::validate;

use super::Provider;
use super::calls::Outcome;
use super::fault::Fault;
use super::kinds::IDENTITY;
use super::schema::{sent, text};
use super::shape::Shape;

/// The kind that has an identity, and that takes over what others have made.
const THING: &str = "scripted_thing";
/// The kind whose state is taken over.
const OTHER: &str = "other_thing";

impl Provider {
    fn shape(&self, kind: &str) -> Outcome<&Shape> {
        let found = self.managed.iter().find(|(name, ..)| *name == kind);
        let found = found.map(|(_, _, shape)| shape);
        found.ok_or_else(|| Fault::new("Unknown kind", format!("there is no resource {kind}")))
    }

    /// What identifies an object, if its kind has identities.
    fn identity(&self, kind: &str, object: &Value) -> Option<IdentityData> {
        if kind != THING || !self.script.has_identities || object.is_null() {
            return None;
        }
        let parts = IDENTITY.map(|(name, _)| {
            let part = object.get(name).filter(Value::is_known);
            (name, part.unwrap_or_else(|| Value::null(Type::String)))
        });
        Some(IdentityData { identity_data: sent(&Value::object(parts), &identity_type()) })
    }
}

fn identity_type() -> Type {
    Type::object(IDENTITY.map(|(name, _)| (name, Type::String)))
}

/// What is kept with an object, and has to come back with it.
fn kept(id: &str) -> Vec<u8> {
    format!("kept:{id}").into_bytes()
}

/// What is planned with an object, and has to come back at its apply.
fn planned(object: &Value) -> Vec<u8> {
    let name = text(object, "name").or_else(|| text(object, "title"));
    format!("planned:{}", name.as_deref().unwrap_or("?")).into_bytes()
}

/// Whether the private data is what it was.
fn same(found: &[u8], wanted: &[u8]) -> Outcome<()> {
    if found == wanted {
        return Ok(());
    }
    let (found, wanted) = (String::from_utf8_lossy(found), String::from_utf8_lossy(wanted));
    Err(Fault::new("The private data was lost", format!("{wanted:?} was given, and {found:?} came back")))
}

/// Whether the private data of an object that is there came with it.
fn comes_with(object: &Value, private: &[u8]) -> Outcome<()> {
    match text(object, "id") {
        Some(id) => same(private, &kept(&id)),
        None => Ok(()),
    }
}
