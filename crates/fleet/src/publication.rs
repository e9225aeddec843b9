//! What is published of a service: ports, routes, drain time, and the record of its description. It publishes nothing itself.

use agent_api::{Route, ServiceKey, ServicePort, ServiceSpec};
use engine::{Address, DeploymentId};
use value::Value;

use crate::{RecordError, ServiceDescription, ServiceRecord, SpecHash};

/// What is published of a service once it is as described.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    pub(crate) ports: Vec<ServicePort>,
    pub(crate) routes: Vec<Route>,
    pub(crate) drain_ms: u64,
}

impl Publication {
    pub(crate) fn of(description: &ServiceDescription) -> Self {
        let port = |port: &crate::Port| ServicePort {
            publish: port.publish,
            body_bytes_max: port.body_bytes_max,
            answer_ms_max: port.answer_ms_max,
            upgraded_drain_ms: Some(port.upgraded_drain_ms).filter(|ms| {
                port.protocol == agent_api::Protocol::Http && *ms > description.rollout.drain_ms
            }),
            ..ServicePort::new(port.name.clone(), port.protocol)
        };
        Self {
            ports: description.ports.iter().map(port).collect(),
            routes: description.routes.clone(),
            drain_ms: description.rollout.drain_ms,
        }
    }

    /// The record of a description that is published so.
    pub(crate) fn record(
        &self,
        address: &Address,
        deployment: &DeploymentId,
        spec_hash: &SpecHash,
        described: &Value,
    ) -> Result<ServiceRecord, RecordError> {
        let published = (self.ports.as_slice(), self.routes.as_slice(), self.drain_ms);
        ServiceRecord::new(address, deployment, spec_hash.clone(), described, published)
    }

    /// A service that nobody serves yet.
    pub(crate) fn unserved(
        &self,
        key: &ServiceKey,
        record: &ServiceRecord,
    ) -> Result<ServiceSpec, RecordError> {
        Ok(ServiceSpec {
            key: key.clone(),
            written: record.to_written()?,
            ports: self.ports.clone(),
            routes: self.routes.clone(),
            serving: std::collections::BTreeMap::new(),
            drain_ms: self.drain_ms,
        })
    }

    /// The service as described, served by whoever serves it now.
    pub(crate) fn settled(
        &self,
        spec: &ServiceSpec,
        record: &ServiceRecord,
    ) -> Result<ServiceSpec, RecordError> {
        let serving = spec.serving.clone();
        Ok(ServiceSpec { serving, ..self.unserved(&spec.key, record)? })
    }

    /// The service on its way there. Ports of both descriptions are open, since instances of both may serve. Routes change
    /// with the first new instance that serves (`moved`): before, nobody may listen where they lead.
    pub(crate) fn meanwhile(&self, spec: &ServiceSpec, moved: bool) -> ServiceSpec {
        let mut ports = self.ports.clone();
        let others = spec.ports.iter().filter(|old| self.ports.iter().all(|new| new.name != old.name));
        ports.extend(others.cloned());
        let routes = if moved { self.routes.clone() } else { spec.routes.clone() };
        ServiceSpec { ports, routes, ..spec.clone() }
    }
}
