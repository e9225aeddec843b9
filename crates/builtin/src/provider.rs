//! The provider itself: each call to the room that answers it.

use std::sync::Arc;

use async_trait::async_trait;
use engine::stack::ResourceProvider;
use engine::stack::provider::{
    AppliedResource, ApplyResource, ImportBy, Imported, MovedState, Observed, Opened, Part, PlanResource,
    PlannedResource, Powers, ProviderSchema, Remark, Told,
};
use value::Value;

use crate::schema::{DATA, REMOTE_STATE, SCHEMA};
use crate::{RemoteStates, data, functions, remote_state};

/// The provider `terraform.io/builtin/terraform`.
pub struct Builtin {
    states: Arc<dyn RemoteStates>,
}

impl Builtin {
    /// With what reads other states.
    #[must_use]
    pub fn new(states: Arc<dyn RemoteStates>) -> Self {
        Self { states }
    }
}

fn unknown(kind: &str) -> Vec<Remark> {
    vec![Remark::error("Unknown kind of resource", format!("the built-in provider has no `{kind}`"))]
}

#[async_trait]
impl ResourceProvider for Builtin {
    async fn schema(&self) -> Result<Arc<ProviderSchema>, Vec<Remark>> {
        Ok(SCHEMA.clone())
    }

    async fn validate(&self, part: Part, kind: &str, configuration: &Value) -> Vec<Remark> {
        match (part, kind) {
            (Part::Data, REMOTE_STATE) => remote_state::validate(self.states.as_ref(), configuration),
            _ => Vec::new(),
        }
    }

    async fn configure(&self, _: &Value) -> Result<Vec<Remark>, Vec<Remark>> {
        Ok(Vec::new())
    }

    async fn upgrade(&self, _: &str, _: u64, stored: &Value) -> Result<Value, Vec<Remark>> {
        // There has been one version only, and any type is right for its attributes.
        Ok(stored.clone())
    }

    async fn read(&self, _: &str, state: &Observed) -> Result<Told<Option<Observed>>, Vec<Remark>> {
        Ok(Some(state.clone()).into())
    }

    async fn plan(&self, kind: &str, request: &PlanResource<'_>) -> Result<PlannedResource, Vec<Remark>> {
        if kind == DATA { Ok(data::plan(request)) } else { Err(unknown(kind)) }
    }

    async fn apply(&self, kind: &str, request: &ApplyResource<'_>) -> AppliedResource {
        if kind == DATA {
            return data::apply(request);
        }
        AppliedResource {
            value: request.prior.clone(),
            private: Vec::new(),
            identity: None,
            is_legacy: false,
            is_in_doubt: false,
            remarks: unknown(kind),
        }
    }

    async fn read_data(&self, kind: &str, configuration: &Value) -> Result<Told<Value>, Vec<Remark>> {
        if kind != REMOTE_STATE {
            return Err(unknown(kind));
        }
        remote_state::read(self.states.as_ref(), configuration).await.map(Told::from)
    }

    fn powers(&self) -> Option<&dyn Powers> {
        Some(self)
    }
}

#[async_trait]
impl Powers for Builtin {
    async fn import(&self, kind: &str, by: ImportBy<'_>) -> Result<Vec<Imported>, Vec<Remark>> {
        match by {
            ImportBy::Id(id) if kind == DATA => Ok(vec![data::import(id)]),
            _ => Err(unknown(kind)),
        }
    }

    async fn take_over(&self, kind: &str, from: &MovedState) -> Result<Observed, Vec<Remark>> {
        if kind == DATA { data::take_over(from) } else { Err(unknown(kind)) }
    }

    async fn open(&self, kind: &str, _: &Value) -> Result<Opened, Vec<Remark>> {
        Err(unknown(kind))
    }

    async fn renew(&self, kind: &str, _: &[u8]) -> Result<Opened, Vec<Remark>> {
        Err(unknown(kind))
    }

    async fn close(&self, kind: &str, _: &[u8]) -> Vec<Remark> {
        unknown(kind)
    }

    async fn call(&self, function: &str, arguments: &[Value]) -> Result<Value, Remark> {
        functions::call(function, arguments)
    }
}
