//! Rollouts of a host program under load, and what becomes of those that fail.

use agent_api::Phase;
use engine::{Action, DifferenceKind, Provider};

use crate::load::Load;
use crate::rig::{Rig, address, web};

#[tokio::test]
async fn a_new_release_takes_over_under_load_without_a_lost_request() {
    let mut rig = Rig::start().await;
    let quick = "replicas = 2\n rollout { min_healthy = \"200ms\" }";
    let v1 = web("v1", "ok", quick);
    let planned = rig.apply(Some(&v1)).await.expect("created");
    assert_eq!(planned.action, Action::Create);
    rig.is_settled(&v1).await;

    let entry = rig.client.info().await.expect("an agent").http_entry;
    let load = Load::on(&entry);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let v2 = web("v2", "ok", quick);
    let planned = rig.apply(Some(&v2)).await.expect("updated");
    assert_eq!(planned.action, Action::Update);
    let shown: Vec<_> = planned.differences.iter().map(|it| (it.path.as_str(), it.kind)).collect();
    assert_eq!(shown, [("env[\"VERSION\"]", DifferenceKind::Ours)]);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let account = load.stop().await;
    assert_eq!(account.lost, Vec::<String>::new(), "{:?}", account.answers);
    assert!(account.answers["v1"] > 0 && account.answers["v2"] > 0, "{:?}", account.answers);
    rig.is_settled(&v2).await;

    let cells = rig.fleet().status().await.expect("a status");
    assert_eq!((cells.len(), cells[0].desired, cells[0].serving, cells[0].instances.len()), (1, 2, 2, 2));
    assert!(cells[0].urls[0].starts_with("http://web.test:"), "{:?}", cells[0].urls);
    let said = rig.said.lock().expect("nobody panics with it").join("\n");
    assert!(said.contains("of 2 new instances ready"), "{said}");
    rig.finish().await;
}

#[tokio::test]
async fn a_broken_release_is_taken_back_and_its_cause_is_named() {
    let mut rig = Rig::start().await;
    let rest = "rollout { min_healthy = \"100ms\" }\n restart {\n attempts = 1\n backoff = \"100ms\"\n }";
    let v1 = web("v1", "ok", rest);
    rig.apply(Some(&v1)).await.expect("created");
    let before: Vec<_> = rig.instances().await;

    let entry = rig.client.info().await.expect("an agent").http_entry;
    let load = Load::on(&entry);
    let failure = rig.apply(Some(&web("v2", "exit", rest))).await.expect_err("it cannot run");
    let account = load.stop().await;
    assert!(failure.reverted, "{:#?}", failure.diagnostic);
    assert_eq!(account.lost, Vec::<String>::new());
    assert_eq!(account.answers.keys().collect::<Vec<_>>(), ["v1"]);
    let text = format!("{} {}", failure.diagnostic, failure.diagnostic.hint.clone().unwrap_or_default());
    assert!(text.contains("exited with code 3"), "{text}");
    assert!(text.contains("cannot read the catalogue: no such table"), "{text}");
    assert!(!text.contains("swordfish") && text.contains("(sensitive value)"), "{text}");
    assert!(text.contains("mend it and run it again"), "{text}");
    rig.is_settled(&v1).await;
    assert_eq!(rig.instances().await, before, "the old one was never touched");
    rig.finish().await;
}

#[tokio::test]
async fn one_that_fails_its_check_is_reported_with_the_answer() {
    let mut rig = Rig::start().await;
    let rest = "rollout {\n min_healthy = \"100ms\"\n progress_deadline = \"2s\"\n }";
    let failure = rig.apply(Some(&web("v1", "sick", rest))).await.expect_err("it is never ready");
    assert!(failure.reverted && failure.state.is_none());
    let text = failure.diagnostic.to_string();
    assert!(text.contains("did not become ready within 2s") && text.contains("503"), "{text}");
    // A creation that failed leaves nothing.
    assert!(rig.instances().await.is_empty());
    assert!(rig.client.services("shop", "dev").await.expect("listed").is_empty());
    rig.finish().await;
}

#[tokio::test]
async fn scaling_and_routes_restart_nothing_and_a_lost_instance_is_drift() {
    let mut rig = Rig::start().await;
    let quick = |replicas: u32, path: &str| {
        web(
            "v1",
            "ok",
            &format!(
                "replicas = {replicas}\n rollout {{ min_healthy = \"100ms\" }}\n route {{ path = \"{path}\" }}"
            ),
        )
    };
    rig.apply(Some(&quick(1, "/a"))).await.expect("created");
    let first = rig.instances().await;
    rig.apply(Some(&quick(3, "/a"))).await.expect("scaled up");
    let three = rig.instances().await;
    assert!(three.len() == 3 && three.contains(&first[0]), "{three:?}");
    rig.apply(Some(&quick(3, "/b"))).await.expect("another route");
    assert_eq!(rig.instances().await, three);

    // Somebody stops one: it is seen as drift, and replaced.
    let id = agent_api::InstanceId(three[1].0.clone());
    rig.client.stop(&id).await.expect("stopped");
    rig.until(|list| list.iter().any(|it| it.phase == Phase::Exited)).await;
    let planned = rig.plan(&rig.fleet(), &address("service.web@local"), Some(&quick(3, "/b"))).await;
    let shown: Vec<_> =
        planned.differences.iter().map(|it| (it.path.as_str(), it.kind, it.before.as_deref())).collect();
    assert_eq!(shown, [("replicas", DifferenceKind::Drift, Some("2"))]);
    rig.apply(Some(&quick(3, "/b"))).await.expect("replaced");
    assert_eq!(rig.instances().await.len(), 3);
    rig.is_settled(&quick(3, "/b")).await;

    rig.apply(Some(&quick(1, "/b"))).await.expect("scaled down");
    assert_eq!(rig.instances().await.len(), 1);
    rig.apply(Some(&quick(0, "/b"))).await.expect("none");
    assert!(rig.instances().await.is_empty());
    rig.is_settled(&quick(0, "/b")).await;
    let planned = rig.apply(None).await.expect("deleted");
    assert_eq!(planned.action, Action::Delete);
    assert!(rig.client.services("shop", "dev").await.expect("listed").is_empty());
    rig.finish().await;
}

#[tokio::test]
async fn a_rollout_that_was_killed_goes_on_and_an_agent_that_was_killed_is_waited_for() {
    let mut rig = Rig::start().await;
    let slow = "replicas = 2\n rollout { min_healthy = \"1s\" }";
    let (v1, v2) = (web("v1", "ok", slow), web("v2", "ok", slow));
    rig.apply(Some(&v1)).await.expect("created");
    let address = address("service.web@local");

    // Killed in the middle: the future is dropped as soon as the new one has begun.
    let fleet = rig.fleet();
    let planned = rig.plan(&fleet, &address, Some(&v2)).await;
    let request = rig.request(&address, &planned);
    let events = rig.events();
    tokio::select! {
        _ = fleet.apply(&request, &events) => panic!("it cannot be over yet"),
        () = rig.until(|list| list.len() == 3) => {}
    }
    let planned = rig.plan(&rig.fleet(), &address, Some(&v1)).await;
    assert_eq!(planned.action, Action::Update, "what was left over is cleared away");
    assert!(planned.reason.is_some_and(|it| it.contains("interrupted")));

    // It goes on, while the agent is killed and started again.
    let fleet = rig.fleet();
    let planned = rig.plan(&fleet, &address, Some(&v2)).await;
    let request = rig.request(&address, &planned);
    let applied = tokio::spawn(async move { fleet.apply(&request, &events).await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    rig.restart_agent().await;
    let state = applied.await.expect("joined").unwrap_or_else(|failure| panic!("{:#?}", failure.diagnostic));
    rig.state.insert(address, state.expect("a state"));
    assert_eq!(rig.instances().await.len(), 2);
    rig.is_settled(&v2).await;
    rig.finish().await;
}

#[tokio::test]
async fn taking_back_waits_for_readiness_and_no_longer() {
    let mut rig = Rig::start().await;
    rig.apply(Some(&web("v2", "ok", "replicas = 2\n rollout { min_healthy = \"100ms\" }")))
        .await
        .expect("created");
    let address = address("service.web@local");
    let fleet = rig.fleet();
    let patient = "replicas = 2\n rollout {\n min_healthy = \"1h\"\n progress_deadline = \"2h\"\n }";
    let planned = rig.plan(&fleet, &address, Some(&web("v1", "ok", patient))).await;
    let request = engine::ApplyRequest { taking_back: true, ..rig.request(&address, &planned) };
    let state =
        fleet.apply(&request, &rig.events()).await.unwrap_or_else(|it| panic!("{:#?}", it.diagnostic));
    rig.state.insert(address, state.expect("a state"));
    rig.is_settled(&web("v1", "ok", patient)).await;
    rig.finish().await;
}

#[tokio::test]
async fn what_somebody_else_wrote_is_foreign_and_nothing_at_the_agent_tells_a_secret() {
    let mut rig = Rig::start().await;
    let quick = "rollout { min_healthy = \"100ms\" }";
    let mine = web("v1", "ok", quick);
    rig.apply(Some(&mine)).await.expect("created");
    let ours = rig.state.clone();
    rig.apply(Some(&web("v9", "ok", quick))).await.expect("by somebody else");
    rig.state = ours;
    let planned = rig.plan(&rig.fleet(), &address("service.web@local"), Some(&mine)).await;
    let shown: Vec<_> =
        planned.differences.iter().map(|it| (it.path.as_str(), it.kind, it.before.as_deref())).collect();
    assert_eq!(shown, [("env[\"VERSION\"]", DifferenceKind::Foreign, Some("\"v9\""))]);
    assert!(planned.reason.is_some_and(|it| it.contains("d2")));

    let services =
        serde_json::to_string(&rig.client.services("shop", "dev").await.expect("listed")).expect("JSON");
    assert!(!services.contains("swordfish"), "{services}");
    let mut folders = vec![rig.data_dir()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("listed").flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => {
                    let bytes = std::fs::read(entry.path()).unwrap_or_default();
                    let told = bytes.windows(9).any(|it| it == b"swordfish");
                    assert!(!told, "{} tells the secret", entry.path().display());
                }
                _ => {}
            }
        }
    }
    rig.finish().await;
}

#[tokio::test]
async fn an_agent_that_does_not_run_is_a_fault_with_its_socket_and_a_way_out() {
    let rig = Rig::start().await;
    let fleet = rig.fleet();
    let socket = rig.client.socket().display().to_string();
    rig.finish().await;
    let request = engine::ReadRequest { address: address("service.web@local"), prior: None };
    let faults = fleet.read(&[request.clone(), request]).await.expect_err("nobody answers");
    assert_eq!(faults.0.len(), 1, "one for the cluster, and not one for each service");
    let text = format!("{} {}", faults.0[0], faults.0[0].hint.clone().unwrap_or_default());
    assert!(
        text.contains("cluster local") && text.contains(&socket) && text.contains("mainstay agent"),
        "{text}"
    );
}

impl Rig {
    /// Ids and process ids of all instances.
    pub async fn instances(&self) -> Vec<(String, Option<u32>)> {
        let list = self.client.instances("shop", "dev", None).await.expect("listed");
        list.instances.into_iter().map(|it| (it.id.0, it.pid)).collect()
    }

    /// Waits until the instances are as wanted.
    async fn until(&self, wanted: impl Fn(&[agent_api::InstanceStatus]) -> bool) {
        let mut after = 0;
        for _ in 0..600 {
            let list = self.client.watch("shop", "dev", None, after, 100).await.expect("watched");
            if wanted(&list.instances) {
                return;
            }
            after = list.version;
        }
        panic!("it never came\n{}", self.log());
    }
}
