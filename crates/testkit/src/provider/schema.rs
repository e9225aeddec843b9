//! What concerns the provider as a whole: its schema, its configuration, its end.

use std::collections::HashMap;
use std::sync::PoisonError;

use bytes::Bytes;
use plugin::wire::calls::{
    ConfigRequest, ConfigureRequest, GetProviderSchemaResponse, GetResourceIdentitySchemasResponse,
    StopResponse,
};
use plugin::wire::messages::{
    DiagnosticsOnly, DynamicValue, Empty, ProviderConfigResponse, ServerCapabilities,
};
use prost::Message;
use value::{Type, Value};

use super::calls::Outcome;
use super::fault::{Fault, attribute};
use super::kinds::{IDENTITY, IDENTITY_VERSION, Kind};
use super::{Provider, functions, kinds, shape};

pub(super) fn schema(provider: &Provider, _: Empty) -> Outcome<GetProviderSchemaResponse> {
    let protocol = provider.script.protocol;
    let all = |kinds: &[Kind]| -> HashMap<String, Bytes> {
        let each = kinds.iter();
        each.map(|(name, version, shape)| ((*name).into(), shape.schema(protocol, *version).into())).collect()
    };
    let functions = functions::all();
    let functions = functions.into_iter().map(|(name, it)| (name.into(), it.encode_to_vec().into()));
    Ok(GetProviderSchemaResponse {
        provider: Some(provider.configuration.schema(protocol, 0).into()),
        resource_schemas: all(&provider.managed),
        data_source_schemas: all(&provider.data),
        ephemeral_resource_schemas: all(&provider.ephemeral),
        functions: functions.collect(),
        provider_meta: provider.script.takes_meta.then(|| kinds::meta().schema(protocol, 0).into()),
        server_capabilities: Some(ServerCapabilities {
            plan_destroy: provider.script.plans_removals,
            get_provider_schema_optional: provider.script.schema_is_optional,
            move_resource_state: true,
        }),
        ..GetProviderSchemaResponse::default()
    })
}

pub(super) fn identities(_: &Provider, _: Empty) -> Outcome<GetResourceIdentitySchemasResponse> {
    let identity = shape::identity(IDENTITY_VERSION, &IDENTITY);
    Ok(GetResourceIdentitySchemasResponse {
        identity_schemas: [("scripted_thing".to_owned(), identity)].into(),
        diagnostics: Vec::new(),
    })
}

pub(super) fn validate(provider: &Provider, asked: ConfigRequest) -> Outcome<ProviderConfigResponse> {
    let config = value(asked.config.as_ref(), &provider.configuration.ty())?;
    if text(&config, "region").as_deref() == Some("nowhere") {
        return Err(Fault::new("No such region", "\"nowhere\" is no region").at([attribute("region")]));
    }
    Ok(ProviderConfigResponse { prepared_config: asked.config, diagnostics: Vec::new() })
}

pub(super) fn configure(provider: &Provider, asked: ConfigureRequest) -> Outcome<DiagnosticsOnly> {
    let config = value(asked.config.as_ref(), &provider.configuration.ty())?;
    let region = text(&config, "region");
    if region.as_deref() == Some("forbidden") {
        return Err(Fault::new("Not allowed", "the region is closed").at([attribute("region")]));
    }
    *provider.region.lock().unwrap_or_else(PoisonError::into_inner) = region;
    Ok(DiagnosticsOnly::default())
}

pub(super) fn stop(provider: &Provider, _: Empty) -> Outcome<StopResponse> {
    provider.stopped.notify_waiters();
    Ok(StopResponse::default())
}

/// Whether what a module says to the provider came along, be it null, where the provider has a schema of that, and only there.
pub(super) fn heard(provider: &Provider, meta: Option<&DynamicValue>) -> Outcome<()> {
    match (provider.script.takes_meta, meta) {
        (false, None) => Ok(()),
        (true, Some(meta)) => value(Some(meta), &kinds::meta().ty()).map(|_| ()),
        (true, None) => Err(Fault::new("Nothing was heard of the module", "`provider_meta` is missing")),
        (false, Some(_)) => Err(Fault::new("Too much was heard", "`provider_meta` is unheard of here")),
    }
}

/// A value as it was sent.
pub(super) fn value(sent: Option<&DynamicValue>, ty: &Type) -> Outcome<Value> {
    match sent {
        None => Ok(Value::null(ty.clone())),
        Some(sent) => plugin::decode(&sent.msgpack, ty)
            .map_err(|error| Fault::new("What was sent cannot be read", error.to_string())),
    }
}

/// A value to send.
pub(super) fn sent(value: &Value, ty: &Type) -> Option<DynamicValue> {
    DynamicValue::of_msgpack(plugin::encode(value, ty))
}

/// An attribute's text, where it is a known text.
pub(super) fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}
