//! What one environment tells another: its outputs. Those that stand come from the store; those of an environment that is planned
//! in the same run are what they will be, unknown where only its apply tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{EnvironmentName, OtherOutputs};
use value::Value;

use crate::session::Description;
use crate::{Fault, Session};

/// Outputs by the environment's name.
pub type PlannedOutputs = BTreeMap<String, Vec<(String, Value)>>;

impl Session {
    /// What `environment.x` is, for each other environment that the configuration names. The own is left out: its outputs are what
    /// is being worked out.
    pub(crate) async fn other_environments(
        &self,
        description: &Description,
        planned: &PlannedOutputs,
    ) -> Result<Vec<(Arc<str>, Value)>, Fault> {
        let configuration = &description.configuration;
        let mut found = Vec::new();
        for id in configuration.environments_named() {
            let Some(other) = configuration.environments.get(id.0 as usize) else { continue };
            if other.name.as_ref() == self.environment.as_str() {
                continue;
            }
            let outputs = match planned.get(other.name.as_ref()) {
                Some(planned) => planned.clone(),
                None => self.store.snapshot(&EnvironmentName::new(other.name.clone())).await?.outputs,
            };
            found.push((other.name.clone(), configuration.environment_outputs(&outputs)));
        }
        Ok(found)
    }

    /// What services see besides what they are planned with.
    pub(crate) async fn other_outputs(
        &self,
        description: &Description,
        stacks: Vec<(Arc<str>, Value)>,
        planned: &PlannedOutputs,
    ) -> Result<OtherOutputs, Fault> {
        let environments = self.other_environments(description, planned).await?;
        Ok(OtherOutputs { stacks, environments, env: description.env_layers(self.environment.as_str()) })
    }
}
