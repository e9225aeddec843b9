//! What is there: by what is known of it, by what a person calls it, by its identity.

use plugin::wire::calls::{
    ImportRequest, ImportResponse, ImportedResource, ReadResourceRequest, ReadResourceResponse,
};
use value::Value;

use super::fill::{self, Made};
use super::stored::empty;
use super::{OTHER, THING, comes_with, identity_type, kept};
use crate::provider::calls::Outcome;
use crate::provider::fault::Fault;
use crate::provider::schema::{heard, sent, text, value};
use crate::provider::{Cloud, Provider};

pub(in crate::provider) fn read(
    provider: &Provider,
    asked: ReadResourceRequest,
) -> Outcome<ReadResourceResponse> {
    heard(provider, asked.provider_meta.as_ref())?;
    let kind = asked.type_name.as_str();
    let ty = provider.shape(kind)?.ty();
    let known = value(asked.current_state.as_ref(), &ty)?;
    comes_with(&known, &asked.private)?;
    let id = text(&known, "id").unwrap_or_default();
    if let Some(identity) = &asked.current_identity {
        let identity = value(identity.identity_data.as_ref(), &identity_type())?;
        if text(&identity, "id").is_some_and(|other| other != id) {
            return Err(Fault::new("Another identity", format!("it is not that of {id}")));
        }
    }
    let found = provider.find(kind, &id)?;
    let object = found.unwrap_or_else(|| Value::null(ty.clone()));
    Ok(ReadResourceResponse {
        new_state: sent(&object, &ty),
        private: asked.private,
        new_identity: provider.identity(kind, &object),
        ..ReadResourceResponse::default()
    })
}

pub(in crate::provider) fn import(provider: &Provider, asked: ImportRequest) -> Outcome<ImportResponse> {
    let kind = asked.type_name.as_str();
    let shape = provider.shape(kind)?;
    let (id, zone) = match &asked.identity {
        None => (asked.id.clone(), None),
        Some(identity) => {
            let identity = value(identity.identity_data.as_ref(), &identity_type())?;
            (text(&identity, "id").unwrap_or_default(), text(&identity, "zone"))
        }
    };
    let found = provider.find(kind, &id)?.filter(|it| zone.is_none() || text(it, "zone") == zone);
    let Some(found) = found else {
        return Err(Fault::new("Nothing to import", format!("there is no {kind} {id:?}")));
    };
    let mut known = empty(shape);
    known.insert("id".into(), Value::string(id.as_str()));
    let one = ImportedResource {
        type_name: kind.into(),
        state: sent(&Value::object(known), &shape.ty()),
        private: kept(&id),
        identity: provider.identity(kind, &found),
    };
    Ok(ImportResponse { imported_resources: vec![one], ..ImportResponse::default() })
}

impl Provider {
    /// An object as one of a kind; an `other_thing` whose state was taken over is a `scripted_thing`.
    fn find(&self, kind: &str, id: &str) -> Outcome<Option<Value>> {
        let cloud = Cloud::read(&self.script.cloud)?;
        let Some(object) = cloud.objects.get(id) else { return Ok(None) };
        let value = object.value()?;
        if object.kind == kind {
            return Ok(Some(value));
        }
        if (kind, object.kind.as_str()) != (THING, OTHER) {
            return Ok(None);
        }
        let shape = self.shape(kind)?;
        let mut known = empty(shape);
        known.insert("name".into(), Value::string(text(&value, "title").unwrap_or_default()));
        let made = Made { id: id.into(), serial: 0, revision: 1, secret_length: 0 };
        let known = Value::object(known);
        Ok(Some(fill::close(shape, &known, &known, &made)))
    }
}
