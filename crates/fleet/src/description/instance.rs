//! What makes an instance, out of a description: its hash, and what an agent is given to start it.

use std::collections::BTreeMap;

use agent_api::{
    HealthCheck, InstanceId, InstanceSpec, PortSpec, Resources, RestartPolicy, Sandbox, ServiceKey,
    StopPolicy,
};
use serde::Serialize;

use super::{Run, ServiceDescription};
use crate::SpecHash;

/// Version of what is hashed. Raising it restarts every instance at its next apply, so it is raised only when an instance made
/// by the same description would differ.
const FORMAT: u32 = 1;

/// All that makes an instance, in a fixed order; nothing about how many there are or how they are reached.
#[derive(Serialize)]
struct Making<'a> {
    format: u32,
    image: Option<&'a str>,
    program: &'a [String],
    directory: Option<&'a str>,
    command: &'a [String],
    env: BTreeMap<&'a str, &'a str>,
    ports: BTreeMap<&'a str, u16>,
    first_port: Option<&'a str>,
    health: &'a Option<HealthCheck>,
    resources: &'a Resources,
    restart: &'a RestartPolicy,
    stop: &'a StopPolicy,
}

impl ServiceDescription {
    /// The digest of its image, if it runs one and the reference has it.
    #[must_use]
    pub fn image_digest(&self) -> Option<&str> {
        match &self.run {
            Run::Image { reference } => crate::releases::digest_of(reference),
            Run::Program { .. } => None,
        }
    }

    /// The hash of what makes an instance: not of replicas, routes, protocols or rollout settings, which change nothing in a
    /// running one. An image counts by its digest, whatever its name.
    #[must_use]
    pub fn spec_hash(&self) -> SpecHash {
        let (program, directory): (&[String], _) = match &self.run {
            Run::Program { command, directory } => (command, directory.as_deref()),
            Run::Image { .. } => (&[], None),
        };
        let making = Making {
            format: FORMAT,
            image: self.image_digest(),
            program,
            directory,
            command: &self.command,
            env: self.env.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect(),
            ports: self.ports.iter().map(|port| (port.name.as_str(), port.container)).collect(),
            first_port: self.ports.first().map(|port| port.name.as_str()),
            health: &self.health,
            resources: &self.resources,
            restart: &self.restart,
            stop: &self.stop,
        };
        // Structs, strings and numbers always have a JSON; an empty text would only make an instance start once more.
        SpecHash::of(&serde_json::to_vec(&making).unwrap_or_default())
    }

    /// What an agent is given to start an instance. Sensitive variables are in clear in it.
    #[must_use]
    pub fn instance_spec(&self, id: InstanceId, service: ServiceKey, spec_hash: &SpecHash) -> InstanceSpec {
        let (sandbox, command) = match &self.run {
            Run::Image { .. } => {
                let image = self.image_digest().unwrap_or_default().to_owned();
                (Sandbox::Container { image }, self.command.clone())
            }
            Run::Program { command, directory } => {
                let sandbox = Sandbox::Process { directory: directory.clone() };
                (sandbox, command.iter().chain(&self.command).cloned().collect())
            }
        };
        let clear =
            |(name, value): (&String, &value::Value)| Some((name.clone(), value.as_str()?.to_owned()));
        InstanceSpec {
            id,
            service,
            spec_hash: spec_hash.as_str().to_owned(),
            sandbox,
            command,
            env: self.env.iter().filter_map(clear).collect(),
            ports: self
                .ports
                .iter()
                .map(|port| PortSpec { name: port.name.clone(), container: port.container })
                .collect(),
            resources: self.resources.clone(),
            health: self.health.clone(),
            restart: self.restart.clone(),
            stop: self.stop.clone(),
        }
    }
}
