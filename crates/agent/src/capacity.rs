//! What the machine has, and what instances may take of it. It refuses nothing: that is decided before anything is asked of an agent.

use std::collections::BTreeMap;

use agent_api::{Capacity, Reserved, ServiceKey};

use crate::instances::Instances;

/// Memory and cores of this machine; none if the kernel does not say.
pub(crate) fn of_machine() -> Option<Capacity> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = kibibytes.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let cores = std::thread::available_parallelism().ok()?.get();
    Some(Capacity {
        memory_bytes: kibibytes.saturating_mul(1024),
        cpu_millis: u64::try_from(cores).ok()?.saturating_mul(1000),
    })
}

/// The limits of all instances that are not over, by service.
pub(crate) fn reserved(instances: &Instances) -> Vec<Reserved> {
    let mut all: BTreeMap<ServiceKey, Capacity> = BTreeMap::new();
    instances.read_all(|entries| {
        for entry in entries.values().filter(|entry| !entry.record.state.is_over()) {
            let limits = &entry.kept.spec.resources;
            let sum = all.entry(entry.kept.spec.service.clone()).or_default();
            sum.memory_bytes = sum.memory_bytes.saturating_add(limits.memory_bytes.unwrap_or(0));
            sum.cpu_millis = sum.cpu_millis.saturating_add(limits.cpu_millis.unwrap_or(0));
        }
    });
    let reserved = all.into_iter().map(|(service, sum)| Reserved {
        service,
        memory_bytes: sum.memory_bytes,
        cpu_millis: sum.cpu_millis,
    });
    reserved.collect()
}
