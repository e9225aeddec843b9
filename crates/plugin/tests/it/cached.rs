//! Schemas between runs.

use testkit::provider::Script;

use crate::rig::{Ready, Rig, THING};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_asks_for_no_schema_and_starts_no_process_for_it() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let script = Script { protocol, ..rig.script() };
        let first = Ready::of(rig.cached(&script)).await;
        first.make(r#"name = "a""#).await;
        first.plugin.shut_down().await;
        assert_eq!(rig.count("GetProviderSchema"), 1);

        let second = rig.cached(&script);
        let schema = second.provider().schema().await.unwrap();
        let thing = schema.resources.get(THING).unwrap();
        assert_eq!(format!("{:?}", thing.block.ty()), format!("{:?}", first.block.ty()));
        assert_eq!((thing.version, thing.identity.as_ref().unwrap().version), (2, 1));
        assert_eq!(schema.functions.len(), 3);
        assert_eq!(second.processes(), 0);
        assert_eq!(rig.pids().len(), 1);

        let second = Ready::of(second).await;
        second.make(r#"name = "b""#).await;
        second.plugin.shut_down().await;
        assert_eq!(rig.count("GetProviderSchema"), 1);
        assert_eq!(rig.pids().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_to_be_asked_first_is_asked_once_in_each_process() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let script = Script { protocol, schema_is_optional: false, wants_schema_first: true, ..rig.script() };
        for runs in 1..=3 {
            let ready = Ready::of(rig.cached(&script)).await;
            ready.make(r#"name = "a""#).await;
            ready.plugin.shut_down().await;
            assert_eq!(rig.count("GetProviderSchema"), runs);
            assert_eq!(rig.pids().len(), runs);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_to_be_asked_first_is_asked_in_every_process_of_a_run() {
    let rig = Rig::new();
    let script = Script { schema_is_optional: false, wants_schema_first: true, ..rig.script() };
    let plugin = rig.plugin(&script);
    let schema = plugin.provider().schema().await.unwrap();
    for region in ["north", "south"] {
        let of = crate::rig::described(&schema.provider.block, &format!("region = {region:?}"));
        plugin.provider().configure(&of).await.unwrap();
    }
    assert_eq!(rig.pids().len(), 2);
    assert_eq!(rig.count("GetProviderSchema"), 2);
    plugin.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_asked_anew() {
    let rig = Rig::new();
    let first = Ready::of(rig.cached(&rig.script())).await;
    first.plugin.shut_down().await;
    let file = std::fs::read_dir(rig.folder().join("schemas")).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&file).unwrap();
    let mut other_magic = whole.clone();
    other_magic[7] = b'1';
    let mut long_index = whole.clone();
    long_index[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut torn_index = whole.clone();
    torn_index[16..40].fill(0xff);
    let damaged = [
        Vec::new(),
        whole[..10].to_vec(),
        whole[..100].to_vec(),
        whole[..whole.len() - 1].to_vec(),
        [whole.clone(), b"more".to_vec()].concat(),
        other_magic,
        long_index,
        torn_index,
    ];
    for (at, bytes) in damaged.into_iter().enumerate() {
        std::fs::write(&file, bytes).unwrap();
        let ready = Ready::of(rig.cached(&rig.script())).await;
        assert_eq!(rig.count("GetProviderSchema"), at + 2, "case {at}");
        ready.plugin.shut_down().await;
        // It is whole again.
        Ready::of(rig.cached(&rig.script())).await.plugin.shut_down().await;
        assert_eq!(rig.count("GetProviderSchema"), at + 2, "case {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_of_a_program_that_is_being_worked_on_is_not_kept() {
    let rig = Rig::new();
    let ready = rig.ready(&rig.script()).await;
    ready.plugin.shut_down().await;
    assert!(!rig.folder().join("schemas").exists());
}
