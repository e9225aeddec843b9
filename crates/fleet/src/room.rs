//! Whether what is planned fits into a cluster's machine: decided of figures alone, before anything is done.
//!
//! A copy's memory limit is its reservation: what was promised to all copies together has to be there. Processor time can be shared, so
//! that a copy may not have more cores than the machine, and all copies together only where the environment is protected.

use agent_api::{Capacity, ServiceKey};
use diag::{Diagnostic, Diagnostics};
use engine::{Address, ClusterName};

use crate::description::Footprint;

/// One service in a cluster, as it is and as it is planned.
#[derive(Debug)]
pub(crate) struct Tenant {
    /// Whom a fault is about.
    pub(crate) address: Address,
    pub(crate) before: Option<Footprint>,
    /// `None`: it goes.
    pub(crate) after: Option<Footprint>,
    /// Whether its copies are replaced.
    pub(crate) is_replaced: bool,
}

/// A machine, and what others have of it.
#[derive(Debug)]
pub(crate) struct Room<'a> {
    pub(crate) cluster: &'a ClusterName,
    pub(crate) capacity: Capacity,
    /// Reserved by other projects and environments.
    pub(crate) others: Capacity,
    /// Whether all copies together may not have more cores than there are.
    pub(crate) protected: bool,
}

impl Tenant {
    /// Memory that it takes at most while it is replaced, beyond what it takes afterwards.
    fn moving(&self) -> u64 {
        let (Some(before), Some(after), true) = (&self.before, &self.after, self.is_replaced) else {
            return 0;
        };
        if after.keeps_both {
            return before.memory();
        }
        // So many of the new ones are there before one of the old ones goes.
        let surge = u64::from(after.surge.min(after.replicas.max(1)));
        let most =
            before.memory().max(after.memory()).saturating_add(after.memory_bytes.saturating_mul(surge));
        most.saturating_sub(after.memory())
    }
}

impl Room<'_> {
    /// What does not fit.
    pub(crate) fn check(&self, tenants: &[Tenant]) -> Diagnostics {
        let mut faults = Diagnostics::default();
        for tenant in tenants {
            let Some(after) = tenant.after else { continue };
            if after.memory_bytes > self.capacity.memory_bytes {
                faults.push(self.fault(
                    tenant,
                    format!("a copy of it may have {} of memory", mebibytes(after.memory_bytes)),
                ));
            } else if after.cpu_millis > self.capacity.cpu_millis {
                faults.push(
                    self.fault(tenant, format!("a copy of it may have {} cores", cores(after.cpu_millis))),
                );
            }
        }
        if faults.has_errors() {
            return faults;
        }
        let after = |of: fn(&Footprint) -> u64| {
            tenants.iter().filter_map(|it| it.after.as_ref()).map(of).fold(0, u64::saturating_add)
        };
        let (memory, cpu) = (after(Footprint::memory), after(Footprint::cpu));
        let moving = tenants.iter().map(Tenant::moving).fold(0, u64::saturating_add);
        let free = self.capacity.memory_bytes.saturating_sub(self.others.memory_bytes);
        let free_cpu = self.capacity.cpu_millis.saturating_sub(self.others.cpu_millis);
        // Whoever changes nothing is not refused for what there is.
        let grows = tenants.iter().any(|it| it.is_replaced || it.before != it.after);
        if !grows {
            return faults;
        }
        let fault = |message: String| {
            Diagnostic::error("no-room", message).about(format!("cluster {}", self.cluster))
        };
        if memory > free {
            let why = format!("{}{}", list(tenants, Footprint::memory, mebibytes), self.taken());
            let message = format!(
                "the services do not fit: they may have {} of memory, and the machine has {} for them",
                mebibytes(memory),
                mebibytes(free)
            );
            faults.push(
                fault(message)
                    .because(why)
                    .hint("lower `resources.memory` or `replicas`, or take a larger machine"),
            );
        } else if memory.saturating_add(moving) > free {
            let message = format!(
                "there is no room to replace the services: beside the {} that they have afterwards it takes {} more, and the machine has {} for both",
                mebibytes(memory),
                mebibytes(moving),
                mebibytes(free)
            );
            let why = format!("while copies are replaced both releases run{}", self.taken());
            let hint = "lower `surge` in `rollout`, say `warm = \"0s\"`, leave `strategy` at `rolling`, or deploy one service after another with `--target`";
            faults.push(fault(message).because(why).hint(hint));
        } else if self.protected && cpu > free_cpu {
            let message = format!(
                "the services do not fit: they may have {} cores, and the machine has {} for them",
                cores(cpu),
                cores(free_cpu)
            );
            let why = format!("{}{}", list(tenants, Footprint::cpu, cores), self.taken());
            faults.push(
                fault(message)
                    .because(why)
                    .hint("lower `resources.cpu` or `replicas`, or take a larger machine"),
            );
        }
        faults
    }

    fn fault(&self, tenant: &Tenant, what: String) -> Diagnostic {
        let Capacity { memory_bytes, cpu_millis } = self.capacity;
        Diagnostic::error("no-room", format!("it does not fit into the cluster {}: {what}", self.cluster))
            .about(tenant.address.to_string())
            .because(format!("the machine has {} and {} cores", mebibytes(memory_bytes), cores(cpu_millis)))
            .hint("lower its `resources`, or let it run elsewhere with `clusters`")
    }

    fn taken(&self) -> String {
        match self.others.memory_bytes {
            0 => String::new(),
            taken => format!("\nother projects and environments on this machine have {}", mebibytes(taken)),
        }
    }
}

/// The largest services, for people.
fn list(tenants: &[Tenant], of: fn(&Footprint) -> u64, text: fn(u64) -> String) -> String {
    const SHOWN: usize = 5;
    let mut all: Vec<(u64, &Tenant, u32)> =
        tenants.iter().filter_map(|it| it.after.map(|after| (of(&after), it, after.replicas))).collect();
    all.retain(|(amount, ..)| *amount > 0);
    all.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.address.cmp(&b.1.address)));
    let more = all.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = all
        .iter()
        .take(SHOWN)
        .map(|(amount, tenant, replicas)| {
            format!("{}: {} in {replicas} copies", tenant.address, text(*amount))
        })
        .collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

fn mebibytes(bytes: u64) -> String {
    const GIBI: u64 = 1 << 30;
    if bytes >= 10 * GIBI { format!("{}Gi", bytes / GIBI) } else { format!("{}Mi", bytes >> 20) }
}

fn cores(millis: u64) -> String {
    let text = format!("{:.3}", millis as f64 / 1000.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What others have reserved of a machine.
pub(crate) fn of_others(info: &agent_api::AgentInfo, project: &str, environment: &str) -> Capacity {
    let is_ours = |key: &ServiceKey| key.project == project && key.environment == environment;
    let others = info.reserved.iter().filter(|it| !is_ours(&it.service));
    others.fold(Capacity::default(), |sum, it| Capacity {
        memory_bytes: sum.memory_bytes.saturating_add(it.memory_bytes),
        cpu_millis: sum.cpu_millis.saturating_add(it.cpu_millis),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn foot(replicas: u32, memory_mib: u64, cpu_millis: u64) -> Footprint {
        Footprint { replicas, memory_bytes: memory_mib * MIB, cpu_millis, surge: 1, keeps_both: false }
    }

    fn tenant(name: &str, before: Option<Footprint>, after: Option<Footprint>) -> Tenant {
        let address = format!("service.{name}@local").parse().expect("an address");
        Tenant { address, before, after, is_replaced: before.is_some() && after.is_some() && before != after }
    }

    fn told(protected: bool, others_mib: u64, tenants: &[Tenant]) -> String {
        let cluster = ClusterName::new("local");
        let room = Room {
            cluster: &cluster,
            capacity: Capacity { memory_bytes: 1024 * MIB, cpu_millis: 2_000 },
            others: Capacity { memory_bytes: others_mib * MIB, cpu_millis: 0 },
            protected,
        };
        room.check(tenants).to_string()
    }

    #[test]
    fn what_fits_is_said_nothing_of() {
        assert_eq!(told(true, 0, &[tenant("a", None, Some(foot(4, 256, 500)))]), "");
        assert_eq!(told(false, 0, &[tenant("a", None, Some(foot(8, 0, 2_000)))]), "", "cores are shared");
    }

    #[test]
    fn one_copy_that_is_larger_than_the_machine_is_named() {
        let told = told(
            false,
            0,
            &[tenant("a", None, Some(foot(1, 2048, 0))), tenant("b", None, Some(foot(1, 1, 2_500)))],
        );
        assert!(told.contains("service.a@local") && told.contains("2048Mi"), "{told}");
        assert!(told.contains("service.b@local") && told.contains("2.5 cores"), "{told}");
    }

    #[test]
    fn all_copies_together_and_what_others_have_are_counted() {
        let two = [tenant("a", None, Some(foot(2, 300, 0))), tenant("b", None, Some(foot(1, 400, 0)))];
        assert_eq!(told(false, 0, &two), "");
        let told = told(false, 100, &two);
        assert!(told.contains("1000Mi of memory") && told.contains("924Mi for them"), "{told}");
        assert!(told.contains("service.a@local: 600Mi in 2 copies"), "{told}");
        assert!(told.contains("other projects and environments on this machine have 100Mi"), "{told}");
    }

    #[test]
    fn both_releases_have_to_fit_while_one_replaces_the_other() {
        let before = foot(3, 300, 0);
        let rolling = Footprint { cpu_millis: 1, ..before };
        let told_of = |after| told(false, 0, &[tenant("a", Some(before), Some(after))]);
        assert!(told_of(rolling).contains("no room to replace"), "{}", told_of(rolling));
        let small = foot(3, 250, 0);
        let after = Footprint { cpu_millis: 1, ..small };
        assert_eq!(told(false, 0, &[tenant("a", Some(small), Some(after))]), "");
        let both = Footprint { keeps_both: true, ..after };
        assert!(told(false, 0, &[tenant("a", Some(small), Some(both))]).contains("750Mi more"));
    }

    #[test]
    fn cores_are_counted_where_the_environment_is_protected_and_nothing_is_refused_that_changes_nothing() {
        let many = foot(5, 1, 500);
        assert!(told(true, 0, &[tenant("a", None, Some(many))]).contains("2.5 cores"));
        assert_eq!(told(true, 0, &[tenant("a", Some(many), Some(many))]), "");
        assert_eq!(told(true, 0, &[tenant("a", Some(many), None)]), "", "what goes makes room");
    }
}
