//! Requests and answers, one pair for each call.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

use super::messages::{
    AttributePath, ClientCapabilities, Deferred, Diagnostic, DynamicValue, FunctionError, IdentityData,
    IdentitySchema, RawState, ServerCapabilities,
};

/// A provider's configuration.
#[derive(Clone, PartialEq, Message)]
pub struct ConfigRequest {
    /// The configuration.
    #[prost(message, optional, tag = "1")]
    pub config: Option<DynamicValue>,
}

/// A configuration of a kind.
#[derive(Clone, PartialEq, Message)]
pub struct ValidateRequest {
    /// The kind.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// The configuration.
    #[prost(message, optional, tag = "2")]
    pub config: Option<DynamicValue>,
    /// What we can do.
    #[prost(message, optional, tag = "3")]
    pub client_capabilities: Option<ClientCapabilities>,
}

/// A stored state.
#[derive(Clone, PartialEq, Message)]
pub struct UpgradeStateRequest {
    /// The kind.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// The version of the schema that it was stored with.
    #[prost(int64, tag = "2")]
    pub version: i64,
    /// The state.
    #[prost(message, optional, tag = "3")]
    pub raw_state: Option<RawState>,
}

/// The state in the present form.
#[derive(Clone, PartialEq, Message)]
pub struct UpgradeStateResponse {
    /// The state.
    #[prost(message, optional, tag = "1")]
    pub upgraded_state: Option<DynamicValue>,
    /// What it says.
    #[prost(message, repeated, tag = "2")]
    pub diagnostics: Vec<Diagnostic>,
}

/// A stored identity.
#[derive(Clone, PartialEq, Message)]
pub struct UpgradeIdentityRequest {
    /// The kind.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// The version of the schema that it was stored with.
    #[prost(int64, tag = "2")]
    pub version: i64,
    /// The identity.
    #[prost(message, optional, tag = "3")]
    pub raw_identity: Option<RawState>,
}

/// The identity in the present form.
#[derive(Clone, PartialEq, Message)]
pub struct UpgradeIdentityResponse {
    /// The identity.
    #[prost(message, optional, tag = "1")]
    pub upgraded_identity: Option<IdentityData>,
    /// What it says.
    #[prost(message, repeated, tag = "2")]
    pub diagnostics: Vec<Diagnostic>,
}

/// The configuration that all later calls go by.
#[derive(Clone, PartialEq, Message)]
pub struct ConfigureRequest {
    /// The version of the language.
    #[prost(string, tag = "1")]
    pub terraform_version: String,
    /// The configuration.
    #[prost(message, optional, tag = "2")]
    pub config: Option<DynamicValue>,
    /// What we can do.
    #[prost(message, optional, tag = "3")]
    pub client_capabilities: Option<ClientCapabilities>,
}

/// An object as it was known.
#[derive(Clone, PartialEq, Message)]
pub struct ReadResourceRequest {
    /// The kind.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// The object.
    #[prost(message, optional, tag = "2")]
    pub current_state: Option<DynamicValue>,
    /// What the provider keeps for itself.
    #[prost(bytes = "vec", tag = "3")]
    pub private: Vec<u8>,
    /// The module's `provider_meta`.
    #[prost(message, optional, tag = "4")]
    pub provider_meta: Option<DynamicValue>,
    /// What we can do.
    #[prost(message, optional, tag = "5")]
    pub client_capabilities: Option<ClientCapabilities>,
    /// Its identity.
    #[prost(message, optional, tag = "6")]
    pub current_identity: Option<IdentityData>,
}

/// An object as it is.
#[derive(Clone, PartialEq, Message)]
pub struct ReadResourceResponse {
    /// The object; null if it is gone.
    #[prost(message, optional, tag = "1")]
    pub new_state: Option<DynamicValue>,
    /// What it says.
    #[prost(message, repeated, tag = "2")]
    pub diagnostics: Vec<Diagnostic>,
    /// What the provider keeps for itself.
    #[prost(bytes = "vec", tag = "3")]
    pub private: Vec<u8>,
    /// If it can only be read later.
    #[prost(message, optional, tag = "4")]
    pub deferred: Option<Deferred>,
    /// Its identity.
    #[prost(message, optional, tag = "5")]
    pub new_identity: Option<IdentityData>,
}

/// What is described.
#[derive(Clone, PartialEq, Message)]
pub struct PlanRequest {
    /// The kind.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// What is there; null to make it.
    #[prost(message, optional, tag = "2")]
    pub prior_state: Option<DynamicValue>,
    /// The configuration over the prior state; null to remove it.
    #[prost(message, optional, tag = "3")]
    pub proposed_new_state: Option<DynamicValue>,
    /// The configuration; null to remove it.
    #[prost(message, optional, tag = "4")]
    pub config: Option<DynamicValue>,
    /// Of the prior state.
    #[prost(bytes = "vec", tag = "5")]
    pub prior_private: Vec<u8>,
    /// The module's `provider_meta`.
    #[prost(message, optional, tag = "6")]
    pub provider_meta: Option<DynamicValue>,
    /// What we can do.
    #[prost(message, optional, tag = "7")]
    pub client_capabilities: Option<ClientCapabilities>,
    /// Its identity.
    #[prost(message, optional, tag = "8")]
    pub prior_identity: Option<IdentityData>,
}

/// What would be made.
#[derive(Clone, PartialEq, Message)]
pub struct PlanResponse {
    /// What would be there.
    #[prost(message, optional, tag = "1")]
    pub planned_state: Option<DynamicValue>,
    /// Places whose change needs another object.
    #[prost(message, repeated, tag = "2")]
    pub requires_replace: Vec<AttributePath>,
    /// Handed back at the apply.
    #[prost(bytes = "vec", tag = "3")]
    pub planned_private: Vec<u8>,
    /// What it says.
    #[prost(message, repeated, tag = "4")]
    pub diagnostics: Vec<Diagnostic>,
    /// Whether it is excused from the rules of consistency.
    #[prost(bool, tag = "5")]
    pub legacy_type_system: bool,
    /// If it can only be planned later.
    #[prost(message, optional, tag = "6")]
    pub deferred: Option<Deferred>,
    /// Its identity.
    #[prost(message, optional, tag = "7")]
    pub planned_identity: Option<IdentityData>,
}

/// What is to be made.
#[derive(Clone, PartialEq, Message)]
pub struct ApplyRequest {
    /// The kind.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// What is there; null to make it.
    #[prost(message, optional, tag = "2")]
    pub prior_state: Option<DynamicValue>,
    /// What was planned; null to remove it.
    #[prost(message, optional, tag = "3")]
    pub planned_state: Option<DynamicValue>,
    /// The configuration; null to remove it.
    #[prost(message, optional, tag = "4")]
    pub config: Option<DynamicValue>,
    /// Of the plan.
    #[prost(bytes = "vec", tag = "5")]
    pub planned_private: Vec<u8>,
    /// The module's `provider_meta`.
    #[prost(message, optional, tag = "6")]
    pub provider_meta: Option<DynamicValue>,
    /// Its identity.
    #[prost(message, optional, tag = "7")]
    pub planned_identity: Option<IdentityData>,
}

/// What came of it.
#[derive(Clone, PartialEq, Message)]
pub struct ApplyResponse {
    /// What is there.
    #[prost(message, optional, tag = "1")]
    pub new_state: Option<DynamicValue>,
    /// What the provider keeps for itself.
    #[prost(bytes = "vec", tag = "2")]
    pub private: Vec<u8>,
    /// What it says.
    #[prost(message, repeated, tag = "3")]
    pub diagnostics: Vec<Diagnostic>,
    /// Whether it is excused from the rules of consistency.
    #[prost(bool, tag = "4")]
    pub legacy_type_system: bool,
    /// Its identity.
    #[prost(message, optional, tag = "5")]
    pub new_identity: Option<IdentityData>,
}

/// What a person calls an object.
#[derive(Clone, PartialEq, Message)]
pub struct ImportRequest {
    /// The kind.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// Its name.
    #[prost(string, tag = "2")]
    pub id: String,
    /// What we can do.
    #[prost(message, optional, tag = "3")]
    pub client_capabilities: Option<ClientCapabilities>,
    /// Or its identity.
    #[prost(message, optional, tag = "4")]
    pub identity: Option<IdentityData>,
}

/// An object that was found.
#[derive(Clone, PartialEq, Message)]
pub struct ImportedResource {
    /// The kind.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// The object.
    #[prost(message, optional, tag = "2")]
    pub state: Option<DynamicValue>,
    /// What the provider keeps for itself.
    #[prost(bytes = "vec", tag = "3")]
    pub private: Vec<u8>,
    /// Its identity.
    #[prost(message, optional, tag = "4")]
    pub identity: Option<IdentityData>,
}

/// What was found.
#[derive(Clone, PartialEq, Message)]
pub struct ImportResponse {
    /// The objects.
    #[prost(message, repeated, tag = "1")]
    pub imported_resources: Vec<ImportedResource>,
    /// What it says.
    #[prost(message, repeated, tag = "2")]
    pub diagnostics: Vec<Diagnostic>,
    /// If it can only be looked up later.
    #[prost(message, optional, tag = "3")]
    pub deferred: Option<Deferred>,
}

/// The state of another kind.
#[derive(Clone, PartialEq, Message)]
pub struct MoveRequest {
    /// The provider that made it.
    #[prost(string, tag = "1")]
    pub source_provider_address: String,
    /// Its kind.
    #[prost(string, tag = "2")]
    pub source_type_name: String,
    /// The version of its schema.
    #[prost(int64, tag = "3")]
    pub source_schema_version: i64,
    /// The state.
    #[prost(message, optional, tag = "4")]
    pub source_state: Option<RawState>,
    /// The kind that takes it over.
    #[prost(string, tag = "5")]
    pub target_type_name: String,
    /// What the other provider kept for itself.
    #[prost(bytes = "vec", tag = "6")]
    pub source_private: Vec<u8>,
    /// Its identity.
    #[prost(message, optional, tag = "7")]
    pub source_identity: Option<RawState>,
    /// The version of its identity's schema.
    #[prost(int64, tag = "8")]
    pub source_identity_schema_version: i64,
}

/// The state as it is taken over.
#[derive(Clone, PartialEq, Message)]
pub struct MoveResponse {
    /// The state.
    #[prost(message, optional, tag = "1")]
    pub target_state: Option<DynamicValue>,
    /// What it says.
    #[prost(message, repeated, tag = "2")]
    pub diagnostics: Vec<Diagnostic>,
    /// What the provider keeps for itself.
    #[prost(bytes = "vec", tag = "3")]
    pub target_private: Vec<u8>,
    /// Its identity.
    #[prost(message, optional, tag = "4")]
    pub target_identity: Option<IdentityData>,
}

/// A data source.
#[derive(Clone, PartialEq, Message)]
pub struct ReadDataRequest {
    /// The kind.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// The configuration.
    #[prost(message, optional, tag = "2")]
    pub config: Option<DynamicValue>,
    /// The module's `provider_meta`.
    #[prost(message, optional, tag = "3")]
    pub provider_meta: Option<DynamicValue>,
    /// What we can do.
    #[prost(message, optional, tag = "4")]
    pub client_capabilities: Option<ClientCapabilities>,
}

/// What was read.
#[derive(Clone, PartialEq, Message)]
pub struct ReadDataResponse {
    /// What was read.
    #[prost(message, optional, tag = "1")]
    pub state: Option<DynamicValue>,
    /// What it says.
    #[prost(message, repeated, tag = "2")]
    pub diagnostics: Vec<Diagnostic>,
    /// If it can only be read later.
    #[prost(message, optional, tag = "3")]
    pub deferred: Option<Deferred>,
}

/// A time.
#[derive(Clone, PartialEq, Message)]
pub struct Timestamp {
    /// Unix seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// Something to open.
#[derive(Clone, PartialEq, Message)]
pub struct OpenEphemeralRequest {
    /// The kind.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// The configuration.
    #[prost(message, optional, tag = "2")]
    pub config: Option<DynamicValue>,
    /// What we can do.
    #[prost(message, optional, tag = "3")]
    pub client_capabilities: Option<ClientCapabilities>,
}

/// What was opened.
#[derive(Clone, PartialEq, Message)]
pub struct OpenEphemeralResponse {
    /// What it says.
    #[prost(message, repeated, tag = "1")]
    pub diagnostics: Vec<Diagnostic>,
    /// When it is to be renewed.
    #[prost(message, optional, tag = "2")]
    pub renew_at: Option<Timestamp>,
    /// What it is.
    #[prost(message, optional, tag = "3")]
    pub result: Option<DynamicValue>,
    /// What the provider keeps for itself.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub private: Option<Vec<u8>>,
    /// If it can only be opened later.
    #[prost(message, optional, tag = "5")]
    pub deferred: Option<Deferred>,
}

/// Something that is open.
#[derive(Clone, PartialEq, Message)]
pub struct EphemeralRequest {
    /// The kind.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// What the provider keeps for itself.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub private: Option<Vec<u8>>,
}

/// What was renewed.
#[derive(Clone, PartialEq, Message)]
pub struct RenewEphemeralResponse {
    /// What it says.
    #[prost(message, repeated, tag = "1")]
    pub diagnostics: Vec<Diagnostic>,
    /// When it is to be renewed next.
    #[prost(message, optional, tag = "2")]
    pub renew_at: Option<Timestamp>,
    /// What the provider keeps for itself.
    #[prost(bytes = "vec", optional, tag = "3")]
    pub private: Option<Vec<u8>>,
}

/// A call of a function.
#[derive(Clone, PartialEq, Message)]
pub struct CallFunctionRequest {
    /// The function.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its arguments.
    #[prost(message, repeated, tag = "2")]
    pub arguments: Vec<DynamicValue>,
}

/// What came of it.
#[derive(Clone, PartialEq, Message)]
pub struct CallFunctionResponse {
    /// The result.
    #[prost(message, optional, tag = "1")]
    pub result: Option<DynamicValue>,
    /// Or what is wrong.
    #[prost(message, optional, tag = "2")]
    pub error: Option<FunctionError>,
}

/// Whether it stops.
#[derive(Clone, PartialEq, Message)]
pub struct StopResponse {
    /// Why not; empty if it does.
    #[prost(string, tag = "1")]
    pub error: String,
}

/// What a provider makes; schemas are left as they came, since most are never looked at.
#[derive(Clone, PartialEq, Message)]
pub struct GetProviderSchemaResponse {
    /// Of its own configuration.
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub provider: Option<Bytes>,
    /// By kind.
    #[prost(map = "string, bytes", tag = "2")]
    pub resource_schemas: HashMap<String, Bytes>,
    /// By kind.
    #[prost(map = "string, bytes", tag = "3")]
    pub data_source_schemas: HashMap<String, Bytes>,
    /// What it says.
    #[prost(message, repeated, tag = "4")]
    pub diagnostics: Vec<Diagnostic>,
    /// Of `provider_meta` blocks.
    #[prost(bytes = "bytes", optional, tag = "5")]
    pub provider_meta: Option<Bytes>,
    /// What it can do.
    #[prost(message, optional, tag = "6")]
    pub server_capabilities: Option<ServerCapabilities>,
    /// By name.
    #[prost(map = "string, bytes", tag = "7")]
    pub functions: HashMap<String, Bytes>,
    /// By kind.
    #[prost(map = "string, bytes", tag = "8")]
    pub ephemeral_resource_schemas: HashMap<String, Bytes>,
}

/// Identities by kind.
#[derive(Clone, PartialEq, Message)]
pub struct GetResourceIdentitySchemasResponse {
    /// By kind.
    #[prost(map = "string, message", tag = "1")]
    pub identity_schemas: HashMap<String, IdentitySchema>,
    /// What it says.
    #[prost(message, repeated, tag = "2")]
    pub diagnostics: Vec<Diagnostic>,
}
