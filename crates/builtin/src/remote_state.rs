//! `terraform_remote_state`: the outputs of another state. Where that is kept is known to whoever gives [`RemoteStates`].

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use engine::stack::provider::Remark;
use value::{Path, Step, Type, Value};

/// Reads the states of other configurations.
#[async_trait]
pub trait RemoteStates: Send + Sync {
    /// The outputs of a state; `None` where there is no state. `config`: an object by the backend's own rules, without marks.
    ///
    /// # Errors
    /// If the backend is not known, its configuration is not right, or it cannot be read.
    async fn outputs(
        &self,
        backend: &str,
        config: &Value,
        workspace: Option<&str>,
    ) -> Result<Option<Vec<(String, Value)>>, RemoteStateFault>;

    /// Whether there is such a backend, and its configuration is right as far as it is known.
    ///
    /// # Errors
    /// If not.
    fn check(&self, backend: &str, config: &Value) -> Result<(), RemoteStateFault>;
}

/// A state that cannot be had.
#[derive(Debug)]
pub enum RemoteStateFault {
    /// There is no such backend here.
    UnknownBackend,
    /// The configuration is not right.
    Configuration(String),
    /// It could not be read.
    Read(String),
}

pub(crate) fn validate(states: &dyn RemoteStates, configuration: &Value) -> Vec<Remark> {
    let backend = configuration.get("backend");
    let Some(backend) = backend.as_ref().and_then(Value::as_str) else { return Vec::new() };
    let config = configuration.get("config").unwrap_or_else(|| Value::null(Type::Dynamic));
    match states.check(backend, &config) {
        Ok(()) => Vec::new(),
        Err(fault) => vec![remark(backend, fault)],
    }
}

pub(crate) async fn read(states: &dyn RemoteStates, configuration: &Value) -> Result<Value, Vec<Remark>> {
    let attribute = |name| configuration.get(name).unwrap_or_else(|| Value::null(Type::Dynamic));
    let (backend, config) = (attribute("backend"), attribute("config"));
    let backend = backend.as_str().unwrap_or_default();
    let workspace = attribute("workspace");
    let found = states
        .outputs(backend, &config, workspace.as_str())
        .await
        .map_err(|fault| vec![remark(backend, fault)])?
        .ok_or_else(|| {
            vec![Remark::error(
                "Unable to find remote state",
                "No stored state was found for the given workspace in the given backend.",
            )]
        })?;
    let defaults = attribute("defaults");
    let mut outputs: BTreeMap<Arc<str>, Value> = defaults.as_entries().cloned().unwrap_or_default();
    outputs.extend(found.into_iter().map(|(name, value)| (Arc::from(name), value)));
    let mut entries = configuration.as_entries().cloned().unwrap_or_default();
    entries.insert("outputs".into(), Value::object(outputs));
    Ok(Value::object(entries))
}

fn remark(backend: &str, fault: RemoteStateFault) -> Remark {
    let at = |name: &str| Path(vec![Step::Attribute(name.into())]);
    match fault {
        RemoteStateFault::UnknownBackend => Remark::error(
            "Invalid backend configuration",
            format!("There is no backend type named {backend:?}."),
        )
        .at(at("backend")),
        RemoteStateFault::Configuration(why) => Remark::error(
            "Invalid backend configuration",
            format!("The given configuration is not valid for backend {backend:?}: {why}."),
        )
        .at(at("config")),
        RemoteStateFault::Read(why) => Remark::error("Error loading state error", why),
    }
}
