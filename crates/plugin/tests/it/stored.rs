//! Stored states, identities, lookups.

use engine::stack::provider::{ImportBy, MovedState, Observed};
use testkit::provider::{Object, Script};
use value::{Type, Value, from_json};

use crate::rig::{Rig, THING, at, lines, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_an_older_schema_is_brought_to_the_present_one() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        let old = serde_json::json!({
            "id": "thing-1", "title": "a", "size": "12.5", "gone_since": true,
            "labels": {"k": "v"}, "anything": ["x", 1], "rules": [{"port": 80, "token": "token-80"}], "one": null,
        });
        let upgraded = ready.provider.upgrade(THING, 1, &from_json(&old)).await.unwrap();
        assert_eq!(text(&upgraded, "name"), "a");
        assert_eq!(at(&upgraded, "size"), Value::number("12.5".parse::<value::Number>().unwrap()));
        assert_eq!(text(&upgraded, "labels.k"), "v");
        assert_eq!(at(&upgraded, "anything"), from_json(&serde_json::json!(["x", 1])));
        assert_eq!(at(&upgraded, "many").as_slice().unwrap().len(), 0);
        assert_eq!(text(&at(&upgraded, "rules").as_slice().unwrap()[0], "token"), "token-80");
        let said = ready.provider.upgrade(THING, 0, &from_json(&old)).await.unwrap_err();
        assert_eq!(lines(&said), "error: Unknown version; there is no version 0 of scripted_thing; ");
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_looked_up_by_its_id_and_by_its_identity() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        let made = ready.make("name = \"a\"\nzone = \"z1\"").await;
        assert_eq!(made.identity, Some((1, serde_json::json!({"id": "thing-1", "zone": "z1"}))));
        let identity = |id: &str, zone: Value| Value::object([("id", Value::string(id)), ("zone", zone)]);
        let full = identity("thing-1", Value::string("z1"));
        let short = identity("thing-1", Value::null(Type::String));
        for by in [ImportBy::Id("thing-1"), ImportBy::Identity(&full), ImportBy::Identity(&short)] {
            let found = ready.powers().import(THING, by).await.unwrap();
            let [one] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!(one.kind.as_ref(), THING);
            assert_eq!(one.object.identity, made.identity);
            assert_eq!(text(&one.object.value, "id"), "thing-1");
            let read = ready.provider.read(THING, &one.object).await.unwrap().value.unwrap();
            assert_eq!(read, made);
        }
        let said = ready.powers().import(THING, ImportBy::Id("thing-7")).await.unwrap_err();
        assert_eq!(lines(&said), "error: Nothing to import; there is no scripted_thing \"thing-7\"; ");
        let elsewhere = identity("thing-1", Value::string("z2"));
        assert!(ready.powers().import(THING, ImportBy::Identity(&elsewhere)).await.is_err());
        let said = ready.powers().import("other_thing", ImportBy::Identity(&full)).await.unwrap_err();
        assert_eq!(
            lines(&said),
            "error: No identity; the provider identifies a other_thing by its id only; "
        );
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_identity_is_sent_in_its_present_form() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        let made = ready.make("name = \"a\"").await;
        let old = Observed { identity: Some((0, serde_json::json!({"key": "thing-1"}))), ..made.clone() };
        assert_eq!(ready.provider.read(THING, &old).await.unwrap().value.unwrap(), made);
        assert_eq!(rig.count("UpgradeResourceIdentity"), 1);
        let wrong = Observed { identity: Some((0, serde_json::json!({"key": "thing-2"}))), ..made };
        let said = ready.provider.read(THING, &wrong).await.unwrap_err();
        assert_eq!(lines(&said), "error: Another identity; it is not that of thing-1; ");
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_identities_is_one_like_any_other() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, has_identities: false, ..rig.script() }).await;
        let made = ready.make("name = \"a\"").await;
        assert_eq!(made.identity, None);
        let found = ready.powers().import(THING, ImportBy::Id("thing-1")).await.unwrap();
        assert_eq!(found[0].object.identity, None);
        // One that is stored of a better time is not sent.
        let known = Observed { identity: Some((1, serde_json::json!({"id": "x"}))), ..made.clone() };
        assert_eq!(ready.provider.read(THING, &known).await.unwrap().value.unwrap(), made);
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_another_kind_is_taken_over() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        let value = Value::object([("id", Value::string("thing-5")), ("title", Value::string("old"))]);
        testkit::provider::Cloud::change(rig.folder(), |cloud| {
            let object = Object { kind: "other_thing".into(), value: value::encode(&value) };
            cloud.objects.insert("thing-5".into(), object);
        })
        .unwrap();
        let from = |kind: &str, schema_version| MovedState {
            provider: "example.com/x/scripted".into(),
            kind: kind.into(),
            schema_version,
            object: Observed { value: value.clone(), private: b"kept:thing-5".to_vec(), identity: None },
        };
        let taken = ready.powers().take_over(THING, &from("other_thing", 0)).await.unwrap();
        assert_eq!(text(&taken.value, "name"), "old");
        assert_eq!(taken.private, b"kept:thing-5");
        assert_eq!(taken.identity, Some((1, serde_json::json!({"id": "thing-5", "zone": null}))));
        let read = ready.provider.read(THING, &taken).await.unwrap().value.unwrap();
        assert_eq!(text(&read.value, "address"), "thing://thing-5");
        let said = ready.powers().take_over(THING, &from("other_thing", 3)).await.unwrap_err();
        assert_eq!(
            lines(&said),
            "error: Unable to move; scripted_thing does not take over other_thing of version 3 of \
             example.com/x/scripted; "
        );
        assert!(ready.powers().take_over(THING, &from("third_thing", 0)).await.is_err());
        ready.plugin.shut_down().await;
    }
}
