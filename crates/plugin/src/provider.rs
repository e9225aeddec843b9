//! One configuration of a provider program: the engine's calls as those of the protocol.

mod powers;
mod raw;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use engine::stack::ResourceProvider;
use engine::stack::provider::{
    AppliedResource, ApplyResource, Identity, Observed, Part, PlanResource, PlannedResource, Powers,
    ProviderSchema, Remark, Told,
};
use prost::Message;
use value::{Type, Value, from_json_typed, to_json};

use crate::failure::CallFailure;
use crate::msgpack::{decode, decode_json, encode};
use crate::plugin::{Plugin, Slot, capabilities};
use crate::remarks;
use crate::wire::Method;
use crate::wire::calls::{
    ApplyRequest, ApplyResponse, ConfigRequest, PlanRequest, PlanResponse, ReadDataRequest, ReadDataResponse,
    ReadResourceRequest, ReadResourceResponse, UpgradeIdentityRequest, UpgradeIdentityResponse,
    UpgradeStateRequest, UpgradeStateResponse, ValidateRequest,
};
use crate::wire::messages::{DiagnosticsOnly, DynamicValue, IdentityData, ProviderConfigResponse, RawState};

/// A provider, for one configuration.
pub(crate) struct Configured {
    plugin: Arc<Plugin>,
    /// The process that has the configuration.
    slot: OnceLock<Arc<Slot>>,
}

type Said<T> = Result<T, Vec<Remark>>;

impl Configured {
    pub(crate) fn new(plugin: Arc<Plugin>) -> Self {
        Self { plugin, slot: OnceLock::new() }
    }

    async fn call<Q, A>(&self, method: Method, request: Q) -> Result<A, CallFailure>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let slot = self.slot.get().cloned().unwrap_or_else(|| self.plugin.any());
        self.plugin.process(&slot).await?.call(method, request).await
    }

    async fn asked<Q, A>(&self, method: Method, request: Q) -> Said<A>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        self.call(method, request).await.map_err(remarks::of_failure)
    }

    /// The type of a kind's identity; none where it has none.
    async fn identity_type(&self, kind: &str) -> Said<Option<(u64, Type)>> {
        let schema = self.plugin.schema().await?;
        let identity = schema.resources.get(kind).and_then(|kind| kind.identity.as_ref());
        Ok(identity.map(|identity| (identity.version, identity.ty())))
    }

    /// An identity as the provider is shown it, brought to its present form.
    async fn identity(&self, kind: &str, known: Option<&Identity>) -> Said<Option<IdentityData>> {
        let (Some((version, json)), Some((now, ty))) = (known, self.identity_type(kind).await?) else {
            return Ok(None);
        };
        if *version != now {
            let request = UpgradeIdentityRequest {
                type_name: kind.into(),
                version: i64::try_from(*version).unwrap_or(i64::MAX),
                raw_identity: Some(RawState { json: json.to_string().into_bytes(), flatmap: Vec::new() }),
            };
            let answer: UpgradeIdentityResponse =
                self.asked(Method::UpgradeResourceIdentity, request).await?;
            remarks::checked(answer.diagnostics)?;
            return Ok(answer.upgraded_identity);
        }
        let value = from_json_typed(json, &ty).map_err(|error| {
            vec![Remark::error("Invalid identity in the state", format!("{kind}: {error}"))]
        })?;
        Ok(Some(IdentityData { identity_data: dynamic(&value, &ty) }))
    }

    /// An identity that the provider told.
    async fn told_identity(
        &self,
        kind: &str,
        told: Option<IdentityData>,
        method: Method,
    ) -> Said<Option<Identity>> {
        let (Some(told), Some((version, ty))) = (told, self.identity_type(kind).await?) else {
            return Ok(None);
        };
        let value = answered(told.identity_data, &ty, method).map_err(remarks::of_failure)?;
        if value.is_null() {
            return Ok(None);
        }
        Ok(to_json(&value).map(|json| (version, json)))
    }

    async fn applied(&self, kind: &str, request: &ApplyResource<'_>) -> Result<AppliedResource, Applying> {
        let ty = self.plugin.ty(Part::Managed, kind).await.map_err(Applying::Before)?;
        let asked = ApplyRequest {
            type_name: kind.into(),
            prior_state: dynamic(request.prior, &ty),
            planned_state: dynamic(request.planned, &ty),
            config: dynamic(request.configuration, &ty),
            planned_private: request.private.to_vec(),
            provider_meta: self.plugin.meta(),
            planned_identity: None,
        };
        let method = Method::ApplyResourceChange;
        let answer: ApplyResponse = self.call(method, asked).await.map_err(Applying::Failed)?;
        let value = answered(answer.new_state, &ty, method).map_err(Applying::Failed)?;
        let mut remarks = remarks::of(answer.diagnostics);
        let identity = match self.told_identity(kind, answer.new_identity, method).await {
            Ok(identity) => identity,
            Err(more) => {
                remarks.extend(more);
                None
            }
        };
        Ok(AppliedResource {
            value,
            private: answer.private,
            identity,
            is_legacy: answer.legacy_type_system,
            is_in_doubt: false,
            remarks,
        })
    }
}

/// Why an apply came to no answer.
enum Applying {
    /// Nothing was asked.
    Before(Vec<Remark>),
    /// It was asked.
    Failed(CallFailure),
}

/// A value as it is sent.
fn dynamic(value: &Value, ty: &Type) -> Option<DynamicValue> {
    DynamicValue::of_msgpack(encode(value, ty))
}

/// A value that was answered; nothing is null.
fn answered(value: Option<DynamicValue>, ty: &Type, method: Method) -> Result<Value, CallFailure> {
    let value = value.unwrap_or_default();
    let decoded = match (value.msgpack.as_slice(), value.json.as_slice()) {
        ([], []) => return Ok(Value::null(ty.without_optional())),
        ([], json) => decode_json(json, ty),
        (msgpack, _) => decode(msgpack, ty),
    };
    decoded.map_err(|error| CallFailure::Answer { method, why: error.to_string() })
}

#[async_trait]
impl ResourceProvider for Configured {
    async fn schema(&self) -> Said<Arc<ProviderSchema>> {
        self.plugin.schema().await
    }

    async fn validate(&self, part: Part, kind: &str, configuration: &Value) -> Vec<Remark> {
        let validated = async {
            let ty = self.plugin.ty(part, kind).await?;
            let config = dynamic(configuration, &ty);
            let method = match part {
                Part::Provider => {
                    let answer: ProviderConfigResponse =
                        self.asked(Method::ValidateProviderConfig, ConfigRequest { config }).await?;
                    return Ok(remarks::of(answer.diagnostics));
                }
                Part::Managed => Method::ValidateResourceConfig,
                Part::Data => Method::ValidateDataResourceConfig,
                Part::Ephemeral => Method::ValidateEphemeralResourceConfig,
            };
            let client_capabilities = (part == Part::Managed).then(capabilities);
            let request = ValidateRequest { type_name: kind.into(), config, client_capabilities };
            let answer: DiagnosticsOnly = self.asked(method, request).await?;
            Ok(remarks::of(answer.diagnostics))
        };
        validated.await.unwrap_or_else(|said: Vec<Remark>| said)
    }

    async fn prepare(&self, configuration: &Value) {
        // Whatever goes wrong with it is told when it is configured.
        if let Ok(ty) = self.plugin.ty(Part::Provider, "").await {
            self.plugin.prepare(&encode(configuration, &ty)).await;
        }
    }

    async fn configure(&self, configuration: &Value) -> Said<Vec<Remark>> {
        let ty = self.plugin.ty(Part::Provider, "").await?;
        let (slot, warnings) = self.plugin.configured(encode(configuration, &ty)).await?;
        let _ = self.slot.set(slot);
        Ok(warnings)
    }

    async fn upgrade(&self, kind: &str, version: u64, stored: &Value) -> Said<Value> {
        let ty = self.plugin.ty(Part::Managed, kind).await?;
        let Some(raw_state) = raw::raw(stored, Some(&ty)) else {
            let why = format!("the state of a {kind} holds a value that is not known");
            return Err(vec![Remark::error("Invalid state", why)]);
        };
        let method = Method::UpgradeResourceState;
        let request = UpgradeStateRequest {
            type_name: kind.into(),
            version: i64::try_from(version).unwrap_or(i64::MAX),
            raw_state: Some(raw_state),
        };
        let answer: UpgradeStateResponse = self.asked(method, request).await?;
        remarks::checked(answer.diagnostics)?;
        answered(answer.upgraded_state, &ty, method).map_err(remarks::of_failure)
    }

    async fn read(&self, kind: &str, state: &Observed) -> Said<Told<Option<Observed>>> {
        let ty = self.plugin.ty(Part::Managed, kind).await?;
        let method = Method::ReadResource;
        let request = ReadResourceRequest {
            type_name: kind.into(),
            current_state: dynamic(&state.value, &ty),
            private: state.private.clone(),
            provider_meta: self.plugin.meta(),
            client_capabilities: Some(capabilities()),
            current_identity: self.identity(kind, state.identity.as_ref()).await?,
        };
        let answer: ReadResourceResponse = self.asked(method, request).await?;
        let remarks = remarks::checked(answer.diagnostics)?;
        let value = answered(answer.new_state, &ty, method).map_err(remarks::of_failure)?;
        if value.is_null() {
            return Ok(Told { value: None, remarks });
        }
        let identity = self.told_identity(kind, answer.new_identity, method).await?;
        let observed = Observed { value, private: answer.private, identity };
        Ok(Told { value: Some(observed), remarks })
    }

    async fn plan(&self, kind: &str, request: &PlanResource<'_>) -> Said<PlannedResource> {
        let ty = self.plugin.ty(Part::Managed, kind).await?;
        let method = Method::PlanResourceChange;
        let asked = PlanRequest {
            type_name: kind.into(),
            prior_state: dynamic(request.prior, &ty),
            proposed_new_state: dynamic(request.proposed, &ty),
            config: dynamic(request.configuration, &ty),
            prior_private: request.private.to_vec(),
            provider_meta: self.plugin.meta(),
            client_capabilities: Some(capabilities()),
            prior_identity: None,
        };
        let answer: PlanResponse = self.asked(method, asked).await?;
        let remarks = remarks::checked(answer.diagnostics)?;
        Ok(PlannedResource {
            planned: answered(answer.planned_state, &ty, method).map_err(remarks::of_failure)?,
            private: answer.planned_private,
            requires_replace: answer.requires_replace.iter().map(remarks::path).collect(),
            is_legacy: answer.legacy_type_system,
            remarks,
        })
    }

    async fn apply(&self, kind: &str, request: &ApplyResource<'_>) -> AppliedResource {
        let (is_in_doubt, remarks) = match self.applied(kind, request).await {
            Ok(applied) => return applied,
            Err(Applying::Before(said)) => (false, said),
            Err(Applying::Failed(failure)) => (failure.may_have_acted(), remarks::of_failure(failure)),
        };
        AppliedResource {
            value: request.prior.clone(),
            private: Vec::new(),
            identity: None,
            is_legacy: false,
            is_in_doubt,
            remarks,
        }
    }

    async fn read_data(&self, kind: &str, configuration: &Value) -> Said<Told<Value>> {
        let ty = self.plugin.ty(Part::Data, kind).await?;
        let method = Method::ReadDataSource;
        let request = ReadDataRequest {
            type_name: kind.into(),
            config: dynamic(configuration, &ty),
            provider_meta: self.plugin.meta(),
            client_capabilities: Some(capabilities()),
        };
        let answer: ReadDataResponse = self.asked(method, request).await?;
        let remarks = remarks::checked(answer.diagnostics)?;
        let value = answered(answer.state, &ty, method).map_err(remarks::of_failure)?;
        Ok(Told { value, remarks })
    }

    async fn plans_removals(&self) -> bool {
        // Known once the schema is; before that nothing is removed.
        self.plugin.schema().await.is_ok()
            && self.plugin.stored().is_some_and(|stored| stored.capabilities().plan_destroy)
    }

    fn is_remote(&self) -> bool {
        true
    }

    async fn stop(&self) {
        self.plugin.stop().await;
    }

    fn powers(&self) -> Option<&dyn Powers> {
        Some(self)
    }
}
