//! What does not fit into the machine is refused in the plan, by what its agent says of it.

use engine::{Change, Provider, Sealed};

use crate::rig::{Rig, address, web};

#[tokio::test]
async fn what_the_machine_has_not_is_refused_before_anything_is_done() {
    let mut rig = Rig::start().await;
    let info = rig.client.info().await.expect("an agent");
    let capacity = info.capacity.expect("the kernel says what there is");
    assert!(capacity.memory_bytes > 64 << 20 && capacity.cpu_millis >= 1_000 && info.reserved.is_empty());
    let limited = |replicas: u32, mebibytes: u64| {
        let rest = format!(
            "replicas = {replicas}\n rollout {{ min_healthy = \"0s\" }}\n resources {{ memory = \"{mebibytes}Mi\" }}"
        );
        web("v1", "ok", &rest)
    };
    rig.apply(Some(&limited(2, 32))).await.expect("it fits");
    let info = rig.client.info().await.expect("an agent");
    let reserved: Vec<_> =
        info.reserved.iter().map(|it| (it.service.service.as_str(), it.memory_bytes)).collect();
    assert_eq!(reserved, [("web", 64 << 20)]);

    let half = (capacity.memory_bytes / 2) >> 20;
    for (replicas, mebibytes, expect) in [
        (1, half * 3, "a copy of it may have"),
        (3, half, "the services do not fit"),
        (2, half - 8, "no room to replace"),
    ] {
        let fleet = rig.fleet();
        let address = address("service.web@local");
        let planned = rig.plan(&fleet, &address, Some(&limited(replicas, mebibytes))).await;
        let change = Change {
            before: rig.state.get(&address).cloned().map(Sealed),
            after: planned.planned.map(Sealed),
            action: planned.action,
            differences: planned.differences,
            reason: planned.reason,
            depends_on: Vec::new(),
            address,
        };
        let told = fleet.review(&[change]).await.to_string();
        assert!(told.contains(expect), "{replicas} of {mebibytes}Mi: {told}");
    }
    rig.finish().await;
}
