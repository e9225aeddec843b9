//! Makes it so.

use plugin::wire::calls::{ApplyRequest, ApplyResponse};
use value::Value;

use super::fill::{self, Made};
use super::{kept, planned, same};
use crate::provider::calls::Outcome;
use crate::provider::fault::Fault;
use crate::provider::schema::{heard, sent, text, value};
use crate::provider::{Cloud, Ids, Object, Provider};

pub(in crate::provider) fn apply(provider: &Provider, asked: ApplyRequest) -> Outcome<ApplyResponse> {
    heard(provider, asked.provider_meta.as_ref())?;
    let kind = asked.type_name.as_str();
    let shape = provider.shape(kind)?;
    let ty = shape.ty();
    let prior = value(asked.prior_state.as_ref(), &ty)?;
    let wanted = value(asked.planned_state.as_ref(), &ty)?;
    let described = value(asked.config.as_ref(), &ty)?;
    let legacy_type_system = provider.script.is_legacy;
    let id = text(&prior, "id");
    if wanted.is_null() {
        // A removal that was not planned with us has no private data of a plan.
        if provider.script.plans_removals {
            same(&asked.planned_private, &planned(&wanted))?;
        }
        Cloud::change(&provider.script.cloud, |cloud| id.and_then(|id| cloud.objects.remove(&id)))?;
        return Ok(ApplyResponse {
            new_state: sent(&wanted, &ty),
            legacy_type_system,
            ..ApplyResponse::default()
        });
    }
    same(&asked.planned_private, &planned(&wanted))?;
    let number = |name: &str| prior.get(name).and_then(|it| it.as_number().and_then(|it| it.to_i64()));
    let secret_length = match text(&described, "secret") {
        Some(secret) => i64::try_from(secret.len()).unwrap_or(i64::MAX),
        None => number("secret_length").unwrap_or_default(),
    };
    let object = Cloud::change(&provider.script.cloud, |cloud| {
        if let Some(id) = &id
            && !cloud.objects.contains_key(id)
        {
            return Err(Fault::new("It is gone", format!("{id} is not there any more")));
        }
        let id = match id {
            Some(id) => id,
            None => {
                cloud.serial += 1;
                let id = new_id(provider.script.ids, cloud.serial, &wanted, &described);
                if cloud.objects.contains_key(&id) {
                    return Err(Fault::new("It exists already", format!("there is a {kind} {id}")));
                }
                id
            }
        };
        let revision = number("revision").unwrap_or_default() + 1;
        let made = Made { id: id.clone(), serial: cloud.serial, revision, secret_length };
        let object: Value = fill::close(shape, &wanted, &described, &made);
        cloud.objects.insert(id, Object::new(kind, &object));
        Ok(object)
    })??;
    let private = text(&object, "id").map(|id| kept(&id)).unwrap_or_default();
    Ok(ApplyResponse {
        new_state: sent(&object, &ty),
        private,
        legacy_type_system,
        new_identity: provider.identity(kind, &object),
        ..ApplyResponse::default()
    })
}

/// What a new object is known by.
fn new_id(ids: Ids, serial: u64, wanted: &Value, described: &Value) -> String {
    let name = text(wanted, "name").or_else(|| text(described, "name"));
    match (ids, name) {
        (Ids::Named | Ids::PlannedNames, Some(name)) => name,
        _ => format!("thing-{serial}"),
    }
}
