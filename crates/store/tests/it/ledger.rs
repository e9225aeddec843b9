//! Revisions, deployments, releases, on every store.

use std::collections::BTreeMap;

use engine::{
    Cell, Deployment, DeploymentId, DeploymentKind, DeploymentOutcome, EnvironmentName, Release, Revision,
    RevisionId, StoreError,
};
use value::Value;

use crate::rig::Rig;
use crate::{address, dev, secret};

fn revision(id: &str, text: &str) -> Revision {
    Revision {
        id: RevisionId::new(id),
        files: BTreeMap::from([
            ("mainstay.hcl".to_owned(), text.repeat(100).into_bytes()),
            ("seeds/a.json".to_owned(), vec![0, 255, 10]),
            ("site.zip".to_owned(), (0..100_000_u32).flat_map(u32::to_le_bytes).collect()),
        ]),
        values: BTreeMap::from([
            ("token".to_owned(), secret("hush")),
            ("n".to_owned(), Value::number(1_i64)),
        ]),
        releases: releases("sha256:aa"),
    }
}

fn releases(digest: &str) -> BTreeMap<String, Release> {
    let release = Release { digest: digest.into(), version: Some("1.2".into()), created_at_ms: 7 };
    BTreeMap::from([("shop/web".to_owned(), release)])
}

pub fn deployment(id: &str, started_at_ms: u64, outcome: Option<DeploymentOutcome>) -> Deployment {
    Deployment {
        id: DeploymentId::new(id),
        kind: DeploymentKind::Deploy,
        revision: Some(RevisionId::new("abc1")),
        who: "ann@laptop".into(),
        started_at_ms,
        finished_at_ms: outcome.map(|_| started_at_ms + 5),
        outcome,
        holds: Vec::new(),
        cells: vec![Cell {
            address: address("service.web@local"),
            outcome: "created".into(),
            took_ms: 5,
            cause: None,
            release: Some("sha256:aa".into()),
        }],
    }
}

pub async fn a_revision_is_found_by_its_beginning_and_stays_as_it_was_first_kept(rig: &Rig) {
    let store = rig.open().await;
    for (id, text) in [("abc1", "first"), ("abd2", "second"), ("abc1", "not this")] {
        store.put_revision(&dev(), &revision(id, text)).await.unwrap();
    }
    drop(store);
    let store = rig.open().await;
    let found = store.revision(&dev(), "abc").await.unwrap().unwrap();
    let kept = revision("abc1", "first");
    assert_eq!(
        (found.id, found.files, found.values, found.releases),
        (kept.id, kept.files, kept.values, kept.releases)
    );
    assert!(matches!(store.revision(&dev(), "ab").await, Err(StoreError::Refused { .. })));
    for nothing in ["", "x", "%", "abc12"] {
        assert!(store.revision(&dev(), nothing).await.unwrap().is_none(), "{nothing}");
    }
    assert!(store.revision(&EnvironmentName::new("prod"), "abc1").await.unwrap().is_none());
}

pub async fn deployments_are_listed_newest_first_and_releases_are_replaced(rig: &Rig) {
    let store = rig.open().await;
    for (id, at, outcome) in
        [("d1", 1, None), ("d2", 2, None), ("d1", 1, Some(DeploymentOutcome::Reverted)), ("d3", 3, None)]
    {
        store.put_deployment(&dev(), &deployment(id, at, outcome)).await.unwrap();
    }
    let listed = store.deployments(&dev(), 2).await.unwrap();
    assert_eq!(listed, [deployment("d3", 3, None), deployment("d2", 2, None)]);
    let all = store.deployments(&dev(), 100).await.unwrap();
    assert_eq!(all[2], deployment("d1", 1, Some(DeploymentOutcome::Reverted)));

    let mut both = releases("sha256:aa");
    both.insert("old".into(), Release { digest: "sha256:cc".into(), version: None, created_at_ms: 1 });
    store.put_releases(&dev(), &both).await.unwrap();
    assert_eq!(store.releases(&dev()).await.unwrap(), both);
    store.put_releases(&dev(), &releases("sha256:bb")).await.unwrap();
    assert_eq!(store.releases(&dev()).await.unwrap(), releases("sha256:bb"));
}
