//! The messages that both versions share.

use prost::Message;

/// A value; one of the two forms is filled.
#[derive(Clone, PartialEq, Message)]
pub struct DynamicValue {
    /// As MessagePack.
    #[prost(bytes = "vec", tag = "1")]
    pub msgpack: Vec<u8>,
    /// As JSON.
    #[prost(bytes = "vec", tag = "2")]
    pub json: Vec<u8>,
}

/// Something that a provider says.
#[derive(Clone, PartialEq, Message)]
pub struct Diagnostic {
    /// 1: error, 2: warning.
    #[prost(int32, tag = "1")]
    pub severity: i32,
    /// In a few words.
    #[prost(string, tag = "2")]
    pub summary: String,
    /// The whole of it.
    #[prost(string, tag = "3")]
    pub detail: String,
    /// What it is about.
    #[prost(message, optional, tag = "4")]
    pub attribute: Option<AttributePath>,
}

/// A function's fault.
#[derive(Clone, PartialEq, Message)]
pub struct FunctionError {
    /// What is wrong.
    #[prost(string, tag = "1")]
    pub text: String,
    /// Which argument is at fault.
    #[prost(int64, optional, tag = "2")]
    pub function_argument: Option<i64>,
}

/// A place inside a value.
#[derive(Clone, PartialEq, Message)]
pub struct AttributePath {
    /// From the root.
    #[prost(message, repeated, tag = "1")]
    pub steps: Vec<PathStep>,
}

/// An entry of a flat map.
#[derive(Clone, PartialEq, Message)]
pub struct StringEntry {
    /// Its key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Its value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A state as it was stored.
#[derive(Clone, PartialEq, Message)]
pub struct RawState {
    /// As JSON.
    #[prost(bytes = "vec", tag = "1")]
    pub json: Vec<u8>,
    /// As states were before version 4; never sent.
    #[prost(message, repeated, tag = "2")]
    pub flatmap: Vec<StringEntry>,
}

/// What a provider can do.
#[derive(Clone, PartialEq, Message)]
pub struct ServerCapabilities {
    /// Removals are planned with it.
    #[prost(bool, tag = "1")]
    pub plan_destroy: bool,
    /// It need not be asked for its schema before anything else.
    #[prost(bool, tag = "2")]
    pub get_provider_schema_optional: bool,
    /// It takes over states of other kinds.
    #[prost(bool, tag = "3")]
    pub move_resource_state: bool,
}

/// What we can do.
#[derive(Clone, PartialEq, Message)]
pub struct ClientCapabilities {
    /// Deferred answers are understood.
    #[prost(bool, tag = "1")]
    pub deferral_allowed: bool,
    /// Attributes that are never kept are understood.
    #[prost(bool, tag = "2")]
    pub write_only_attributes_allowed: bool,
}

/// An answer that can only be had later.
#[derive(Clone, PartialEq, Message)]
pub struct Deferred {
    /// Why.
    #[prost(int32, tag = "1")]
    pub reason: i32,
}

/// A parameter of a function.
#[derive(Clone, PartialEq, Message)]
pub struct Parameter {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type as JSON.
    #[prost(bytes = "vec", tag = "2")]
    pub r#type: Vec<u8>,
    /// Whether null is passed on.
    #[prost(bool, tag = "3")]
    pub allow_null_value: bool,
    /// Whether unknown values are passed on.
    #[prost(bool, tag = "4")]
    pub allow_unknown_values: bool,
    /// What it is.
    #[prost(string, tag = "5")]
    pub description: String,
    /// 0: plain text; 1: Markdown.
    #[prost(int32, tag = "6")]
    pub description_kind: i32,
}

/// A function's result.
#[derive(Clone, PartialEq, Message)]
pub struct Return {
    /// Its type as JSON.
    #[prost(bytes = "vec", tag = "1")]
    pub r#type: Vec<u8>,
}

/// A function.
#[derive(Clone, PartialEq, Message)]
pub struct Function {
    /// Its parameters.
    #[prost(message, repeated, tag = "1")]
    pub parameters: Vec<Parameter>,
    /// The one that may come any number of times.
    #[prost(message, optional, tag = "2")]
    pub variadic_parameter: Option<Parameter>,
    /// Its result.
    #[prost(message, optional, tag = "3")]
    pub r#return: Option<Return>,
    /// What it does, in a sentence.
    #[prost(string, tag = "4")]
    pub summary: String,
    /// What it does.
    #[prost(string, tag = "5")]
    pub description: String,
    /// 0: plain text; 1: Markdown.
    #[prost(int32, tag = "6")]
    pub description_kind: i32,
    /// Why it should no longer be used.
    #[prost(string, tag = "7")]
    pub deprecation_message: String,
}

/// Nothing.
#[derive(Clone, PartialEq, Message)]
pub struct Empty {}

/// A part of an identity.
#[derive(Clone, PartialEq, Message)]
pub struct IdentityAttribute {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type as JSON.
    #[prost(bytes = "vec", tag = "2")]
    pub r#type: Vec<u8>,
    /// It has to be given to look an object up.
    #[prost(bool, tag = "3")]
    pub required_for_import: bool,
    /// It may be given.
    #[prost(bool, tag = "4")]
    pub optional_for_import: bool,
    /// What it is.
    #[prost(string, tag = "5")]
    pub description: String,
}

/// What a kind's objects are identified by.
#[derive(Clone, PartialEq, Message)]
pub struct IdentitySchema {
    /// Its version.
    #[prost(int64, tag = "1")]
    pub version: i64,
    /// Its parts.
    #[prost(message, repeated, tag = "2")]
    pub identity_attributes: Vec<IdentityAttribute>,
}

/// An object's identity.
#[derive(Clone, PartialEq, Message)]
pub struct IdentityData {
    /// By the kind's identity schema.
    #[prost(message, optional, tag = "1")]
    pub identity_data: Option<DynamicValue>,
}

/// An answer that only says something, as version 5 and 6 have it for a provider's configuration.
#[derive(Clone, PartialEq, Message)]
pub struct ProviderConfigResponse {
    /// Version 5 only, and of no use.
    #[prost(message, optional, tag = "1")]
    pub prepared_config: Option<DynamicValue>,
    /// What it says.
    #[prost(message, repeated, tag = "2")]
    pub diagnostics: Vec<Diagnostic>,
}

/// An answer that only says something.
#[derive(Clone, PartialEq, Message)]
pub struct DiagnosticsOnly {
    /// What it says.
    #[prost(message, repeated, tag = "1")]
    pub diagnostics: Vec<Diagnostic>,
}

/// One step of a place inside a value.
#[derive(Clone, PartialEq, Message)]
pub struct PathStep {
    /// Which it is.
    #[prost(oneof = "Selector", tags = "1, 2, 3")]
    pub selector: Option<Selector>,
}

/// Which step of a place it is.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Selector {
    /// An attribute.
    #[prost(string, tag = "1")]
    AttributeName(String),
    /// An element of a map.
    #[prost(string, tag = "2")]
    ElementKeyString(String),
    /// An element of a list.
    #[prost(int64, tag = "3")]
    ElementKeyInt(i64),
}

impl DynamicValue {
    /// A value as MessagePack.
    #[must_use]
    pub fn of_msgpack(msgpack: Vec<u8>) -> Option<Self> {
        Some(Self { msgpack, json: Vec::new() })
    }
}
