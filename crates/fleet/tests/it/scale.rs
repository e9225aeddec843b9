//! Ten thousand services: what reading and planning them takes. Run by hand: it asserts no time.

use std::sync::Arc;
use std::time::Instant;

use engine::{Action, Address, ChangeRequest, Provider, ReadRequest};
use value::Value;

use crate::rig::{Rig, address, described};

#[tokio::test]
#[ignore = "takes a while, and prints figures instead of asserting them"]
async fn ten_thousand_services_are_read_and_planned_in_one_go() {
    const SERVICES: usize = 10_000;
    let rig = Rig::start().await;
    let fleet = Arc::new(rig.fleet());
    let web =
        described("program = [\"/bin/true\"]\n replicas = 0\n env = { A = \"1\", TOKEN = \"swordfish\" }");
    let addresses: Vec<Address> =
        (0..SERVICES).map(|i| address(&format!("service.web[{i}]@local"))).collect();
    let began = Instant::now();
    let mut states: Vec<Option<Value>> = Vec::new();
    let mut request = rig.request_of(&fleet, &addresses[0], &web).await;
    for address in &addresses {
        request.address = address.clone();
        states.push(
            fleet.apply(&request, &rig.events()).await.unwrap_or_else(|it| panic!("{:#?}", it.diagnostic)),
        );
    }
    eprintln!("created one after the other: {:?}", began.elapsed());

    let fleet = rig.fleet();
    let began = Instant::now();
    let requests: Vec<_> = addresses
        .iter()
        .zip(&states)
        .map(|(address, state)| ReadRequest { address: address.clone(), prior: state.clone() })
        .collect();
    let lives = fleet.read(&requests).await.expect("read");
    eprintln!("read: {:?}", began.elapsed());
    let changes: Vec<_> = requests
        .into_iter()
        .zip(lives)
        .map(|(it, live)| ChangeRequest {
            address: it.address,
            written: it.prior,
            live,
            described: Some(web.clone()),
        })
        .collect();
    let began = Instant::now();
    for change in &changes {
        assert_eq!(fleet.plan(change).await.expect("planned").action, Action::None);
    }
    eprintln!("planned with nothing to change: {:?}", began.elapsed());
    let other =
        described("program = [\"/bin/true\"]\n replicas = 0\n env = { A = \"2\", TOKEN = \"swordfish\" }");
    let began = Instant::now();
    for change in changes {
        let change = ChangeRequest { described: Some(other.clone()), ..change };
        assert_eq!(fleet.plan(&change).await.expect("planned").action, Action::Update);
    }
    eprintln!("planned with a change in each: {:?}", began.elapsed());
    rig.finish().await;
}

impl Rig {
    async fn request_of(
        &self,
        fleet: &fleet::Fleet,
        address: &Address,
        described: &Value,
    ) -> engine::ApplyRequest {
        let planned = self.plan(fleet, address, Some(described)).await;
        engine::ApplyRequest {
            address: address.clone(),
            deployment: engine::DeploymentId::new("d1"),
            action: planned.action,
            before: None,
            after: planned.planned,
            taking_back: false,
        }
    }
}
