//! What providers of the protocol can do besides: look objects up, take over states, open what is ephemeral, call functions.

use async_trait::async_trait;
use engine::stack::provider::{ImportBy, Imported, MovedState, Observed, Opened, Part, Powers, Remark};
use value::{Number, Path, Step, Type, Value};

use super::raw::raw;
use super::{Configured, Said, answered, dynamic};
use crate::plugin::capabilities;
use crate::remarks;
use crate::wire::Method;
use crate::wire::calls::{
    CallFunctionRequest, CallFunctionResponse, EphemeralRequest, ImportRequest, ImportResponse, MoveRequest,
    MoveResponse, OpenEphemeralRequest, OpenEphemeralResponse, RenewEphemeralResponse, Timestamp,
};
use crate::wire::messages::{DiagnosticsOnly, IdentityData, RawState};

fn unix_ms(time: &Timestamp) -> u64 {
    let seconds = u64::try_from(time.seconds).unwrap_or_default();
    let millis = u64::try_from(time.nanos / 1_000_000).unwrap_or_default();
    seconds.saturating_mul(1000).saturating_add(millis)
}

#[async_trait]
impl Powers for Configured {
    async fn import(&self, kind: &str, by: ImportBy<'_>) -> Said<Vec<Imported>> {
        let (id, identity) = match by {
            ImportBy::Id(id) => (id.to_owned(), None),
            ImportBy::Identity(value) => {
                let Some((_, ty)) = self.identity_type(kind).await? else {
                    let why = format!("the provider identifies a {kind} by its id only");
                    return Err(vec![Remark::error("No identity", why)]);
                };
                (String::new(), Some(IdentityData { identity_data: dynamic(value, &ty) }))
            }
        };
        let method = Method::ImportResourceState;
        let request =
            ImportRequest { type_name: kind.into(), id, client_capabilities: Some(capabilities()), identity };
        let answer: ImportResponse = self.asked(method, request).await?;
        remarks::checked(answer.diagnostics)?;
        let mut found = Vec::with_capacity(answer.imported_resources.len());
        for one in answer.imported_resources {
            let ty = self.plugin.ty(Part::Managed, &one.type_name).await?;
            let value = answered(one.state, &ty, method).map_err(remarks::of_failure)?;
            let identity = self.told_identity(&one.type_name, one.identity, method).await?;
            let object = Observed { value, private: one.private, identity };
            found.push(Imported { kind: one.type_name.into(), object });
        }
        Ok(found)
    }

    async fn take_over(&self, kind: &str, from: &MovedState) -> Said<Observed> {
        let ty = self.plugin.ty(Part::Managed, kind).await?;
        // Most kinds are taken over from the same provider; of another's nothing is known here.
        let theirs = self.plugin.ty(Part::Managed, &from.kind).await.ok();
        let Some(source_state) = raw(&from.object.value, theirs.as_deref()) else {
            let why = format!("the state of a {} holds a value that is not known", from.kind);
            return Err(vec![Remark::error("Invalid state", why)]);
        };
        let plain =
            |json: &serde_json::Value| RawState { json: json.to_string().into_bytes(), flatmap: Vec::new() };
        let identity = from.object.identity.as_ref();
        let method = Method::MoveResourceState;
        let request = MoveRequest {
            source_provider_address: from.provider.to_string(),
            source_type_name: from.kind.to_string(),
            source_schema_version: i64::try_from(from.schema_version).unwrap_or(i64::MAX),
            source_state: Some(source_state),
            target_type_name: kind.into(),
            source_private: from.object.private.clone(),
            source_identity: identity.map(|(_, json)| plain(json)),
            source_identity_schema_version: identity
                .map_or(0, |(version, _)| i64::try_from(*version).unwrap_or(i64::MAX)),
        };
        let answer: MoveResponse = self.asked(method, request).await?;
        remarks::checked(answer.diagnostics)?;
        let value = answered(answer.target_state, &ty, method).map_err(remarks::of_failure)?;
        let identity = self.told_identity(kind, answer.target_identity, method).await?;
        Ok(Observed { value, private: answer.target_private, identity })
    }

    async fn open(&self, kind: &str, configuration: &Value) -> Said<Opened> {
        let ty = self.plugin.ty(Part::Ephemeral, kind).await?;
        let method = Method::OpenEphemeralResource;
        let request = OpenEphemeralRequest {
            type_name: kind.into(),
            config: dynamic(configuration, &ty),
            client_capabilities: Some(capabilities()),
        };
        let answer: OpenEphemeralResponse = self.asked(method, request).await?;
        let remarks = remarks::checked(answer.diagnostics)?;
        Ok(Opened {
            remarks,
            value: answered(answer.result, &ty, method).map_err(remarks::of_failure)?,
            private: answer.private.unwrap_or_default(),
            renew_at_ms: answer.renew_at.as_ref().map(unix_ms),
        })
    }

    async fn renew(&self, kind: &str, private: &[u8]) -> Said<Opened> {
        let request = EphemeralRequest { type_name: kind.into(), private: Some(private.to_vec()) };
        let answer: RenewEphemeralResponse = self.asked(Method::RenewEphemeralResource, request).await?;
        let remarks = remarks::checked(answer.diagnostics)?;
        Ok(Opened {
            remarks,
            value: Value::null(Type::Dynamic),
            private: answer.private.unwrap_or_default(),
            renew_at_ms: answer.renew_at.as_ref().map(unix_ms),
        })
    }

    async fn close(&self, kind: &str, private: &[u8]) -> Vec<Remark> {
        let request = EphemeralRequest { type_name: kind.into(), private: Some(private.to_vec()) };
        let answer = self.asked::<_, DiagnosticsOnly>(Method::CloseEphemeralResource, request).await;
        answer.map_or_else(|said| said, |answer| remarks::of(answer.diagnostics))
    }

    async fn call(&self, function: &str, arguments: &[Value]) -> Result<Value, Remark> {
        let first = |said: Vec<Remark>| {
            said.into_iter().next().unwrap_or_else(|| Remark::error("The provider failed", ""))
        };
        let schema = self.plugin.schema().await.map_err(first)?;
        let Some(declared) = schema.functions.get(function) else {
            return Err(Remark::error("Unknown function", format!("the provider has no `{function}`")));
        };
        let parameters =
            declared.parameters.iter().chain(declared.variadic.iter().flat_map(std::iter::repeat));
        let arguments = arguments.iter().zip(parameters);
        let arguments = arguments.filter_map(|(value, parameter)| dynamic(value, &parameter.ty));
        let method = Method::CallFunction;
        let request = CallFunctionRequest { name: function.into(), arguments: arguments.collect() };
        let answer: CallFunctionResponse = self.asked(method, request).await.map_err(first)?;
        if let Some(error) = answer.error {
            let fault = Remark::error("Error in function call", error.text);
            return Err(match error.function_argument {
                Some(argument) => fault.at(Path(vec![Step::Index(Number::from(argument))])),
                None => fault,
            });
        }
        answered(answer.result, &declared.result, method)
            .map_err(|failure| first(remarks::of_failure(failure)))
    }
}
