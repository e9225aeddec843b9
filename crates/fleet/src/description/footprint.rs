//! What a service takes of a machine, as far as its description says so. It may be read before the description is wholly known.

use std::cell::RefCell;

use value::Value;

use super::attributes::Attributes;
use super::{Defaults, Strategy, resources, rollout};

/// What a service takes of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Footprint {
    /// How many copies.
    pub(crate) replicas: u32,
    /// Bytes of memory of a copy; 0 where nothing is said.
    pub(crate) memory_bytes: u64,
    /// Thousandths of a core of a copy; 0 where nothing is said.
    pub(crate) cpu_millis: u64,
    /// How many copies more there may be while it is replaced.
    pub(crate) surge: u32,
    /// Whether what is replaced runs on, all of it, when all of the new ones run.
    pub(crate) keeps_both: bool,
}

impl Footprint {
    /// Of a service's value.
    pub(crate) fn of(value: &Value, defaults: &Defaults) -> Self {
        // Faults are told by whoever reads the whole description.
        let faults = RefCell::new(Vec::new());
        let service = Attributes::new("", value, &faults);
        let replicas = service.small_count("replicas").unwrap_or(1);
        let (resources, rollout) = (resources(&service), rollout(&service, defaults));
        Self {
            replicas,
            memory_bytes: resources.memory_bytes.unwrap_or(0),
            cpu_millis: resources.cpu_millis.unwrap_or(0),
            surge: rollout.surge.of(replicas),
            keeps_both: rollout.warm_ms > 0 || rollout.strategy == Strategy::BlueGreen,
        }
    }

    /// All copies.
    pub(crate) fn memory(&self) -> u64 {
        self.memory_bytes.saturating_mul(u64::from(self.replicas))
    }

    /// All copies.
    pub(crate) fn cpu(&self) -> u64 {
        self.cpu_millis.saturating_mul(u64::from(self.replicas))
    }
}
