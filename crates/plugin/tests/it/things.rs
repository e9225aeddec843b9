//! Plans and applies: what goes over the wire comes back as it was.

use engine::stack::provider::{Observed, Part};
use testkit::provider::{Answer, Rule, Said, Script};
use value::{Kind, Number, Refinements, Type, Value};

use crate::rig::{ALL, Ready, Rig, THING, at, described, lines, observed, strings, text, with};

/// One of everything; in version 6 with nested attributes.
fn everything(protocol: u32) -> String {
    let mut body = r#"
name = "a"
size = 12345678901234567890.5
parts = ["x", "y"]
labels = { k = "v", "ключ" = "значение" }
members = ["m", "n"]
anything = { deep = [1, "two", true, null] }
zone = "z1"
password = "p"
secret = "hidden"
secret_version = 1
one {
  text = "t"
}
many {
  text = "m0"
}
many {
  text = "m1"
}
rules {
  port = 80
}
rules {
  port = 443
}
named "first" {
  text = "n1"
}
limits {
  cpu = 0.5
}
"#
    .to_owned();
    if protocol >= 6 {
        body.push_str(
            r#"
settings = { mode = "fast" }
steps = [{ mode = "s", level = 7 }, { mode = "t" }]
peers = [{ host = "h1" }, { host = "h2" }]
routes = { r = { mode = "q" } }
"#,
        );
    }
    body
}

fn refinements(value: &Value) -> Refinements {
    match value.kind() {
        Kind::Unknown(unknown) => unknown.refinements.clone(),
        other => panic!("{:?} is known", Value::from(other.clone())),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_a_schema_can_hold_is_planned_made_and_read() {
    for (protocol, network) in ALL {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, network, ..rig.script() }).await;
        let configuration = ready.thing(&everything(protocol));
        assert_eq!(ready.provider.validate(Part::Managed, THING, &configuration).await, []);
        let planned = ready.plan(&ready.nothing(), &configuration).await.unwrap();
        assert!(!planned.is_legacy);
        assert_eq!(planned.requires_replace, []);
        assert_eq!(planned.private, b"planned:a");
        for same in ["name", "size", "parts", "labels", "members", "anything", "password"] {
            assert_eq!(at(&planned.planned, same), at(&configuration, same), "{same}");
        }
        assert_eq!(at(&planned.planned, "enabled"), Value::bool(true));
        assert!(at(&planned.planned, "secret").is_null(), "what is write-only is not planned");
        assert!(!at(&planned.planned, "one.mark").is_known());
        assert!(!at(&planned.planned, "many.1.mark").is_known());

        let made = observed(ready.apply(&ready.nothing(), &configuration).await);
        let value = &made.value;
        assert!(value.is_wholly_known());
        for same in ["name", "size", "parts", "labels", "members", "anything", "password", "zone"] {
            assert_eq!(at(value, same), at(&configuration, same), "{same}");
        }
        assert_eq!(text(value, "id"), "thing-1");
        assert_eq!(text(value, "address"), "thing://thing-1");
        assert_eq!(at(value, "endpoints"), strings(&["thing://thing-1/0"]));
        assert_eq!(at(value, "port"), Value::number(8001));
        assert_eq!(at(value, "revision"), Value::number(1));
        assert!(at(value, "secret").is_null());
        assert_eq!(at(value, "secret_length"), Value::number(6), "it was given to the provider");
        assert_eq!(text(value, "one.mark"), "mark-t");
        assert_eq!(text(value, "many.1.mark"), "mark-m1");
        assert_eq!(text(value, "named.first.mark"), "mark-n1");
        assert_eq!(at(value, "limits.cpu"), Value::number(Number::from_f64(0.5).unwrap()));
        let tokens = at(value, "rules");
        let tokens: Vec<_> = tokens.as_slice().unwrap().iter().map(|rule| text(rule, "token")).collect();
        assert_eq!(tokens.len(), 2);
        assert!(tokens.contains(&"token-80".to_owned()) && tokens.contains(&"token-443".to_owned()));
        if protocol >= 6 {
            assert_eq!(at(value, "settings.level"), Value::number(1));
            assert_eq!(at(value, "steps.0.level"), Value::number(7));
            assert_eq!(at(value, "steps.1.level"), Value::number(1));
            assert_eq!(text(value, "routes.r.mode"), "q");
            let peers = at(value, "peers");
            assert_eq!(text(&peers.as_slice().unwrap()[0], "key"), "key-h1");
        }
        assert_eq!(made.private, b"kept:thing-1");
        assert_eq!(rig.cloud().objects["thing-1"].value().unwrap(), made.value);

        let read = ready.provider.read(THING, &made).await.unwrap().value.unwrap();
        assert_eq!(read, made);
        let again = ready.plan(&made, &configuration).await.unwrap();
        assert_eq!(again.planned, made.value, "nothing is to be changed");
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_an_unknown_value_comes_over_the_wire() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        let planned = ready.plan(&ready.nothing(), &ready.thing(r#"name = "a""#)).await.unwrap().planned;
        let certain = Refinements { not_null: true, ..Refinements::default() };
        assert_eq!(refinements(&at(&planned, "id")), certain);
        let prefixed = Refinements { prefix: Some("thing://".into()), ..certain.clone() };
        assert_eq!(refinements(&at(&planned, "address")), prefixed);
        let port = refinements(&at(&planned, "port"));
        let (low, high) = (port.minimum.unwrap(), port.maximum.unwrap());
        assert_eq!((low.number, low.inclusive), (Number::from(8000), true));
        assert_eq!((high.number, high.inclusive), (Number::from(65_535), true));
        let sized = Refinements { length_min: Some(1), length_max: Some(3), ..certain };
        assert_eq!(refinements(&at(&planned, "endpoints")), sized);
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_of_the_configuration_stays_so_in_the_plan_and_is_known_at_the_apply() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        let known = ready.thing("name = \"a\"\nsize = 3\nanything = [1]\nrules {\n  port = 80\n}");
        let beginning = Refinements { not_null: true, prefix: Some("a-".into()), ..Refinements::default() };
        let mut unknown = with(&known, "name", Value::refined(Type::String, beginning.clone()));
        unknown = with(&unknown, "size", Value::unknown(Type::Number));
        unknown = with(&unknown, "anything", Value::unknown(Type::Dynamic));
        unknown = with(&unknown, "rules", Value::unknown(at(&known, "rules").ty()));
        assert_eq!(ready.provider.validate(Part::Managed, THING, &unknown).await, []);
        let planned = ready.plan(&ready.nothing(), &unknown).await.unwrap();
        assert_eq!(refinements(&at(&planned.planned, "name")), beginning);
        for name in ["size", "anything", "rules"] {
            assert!(!at(&planned.planned, name).is_known(), "{name}");
        }
        assert_eq!(at(&planned.planned, "anything").ty(), Type::Dynamic);
        let nothing = ready.nothing();
        let request = engine::stack::provider::ApplyResource {
            prior: &nothing.value,
            configuration: &known,
            planned: &planned.planned,
            private: &planned.private,
        };
        let made = observed(ready.provider.apply(THING, &request).await);
        for name in ["name", "size", "anything"] {
            assert_eq!(at(&made.value, name), at(&known, name), "{name}");
        }
        assert_eq!(text(&at(&made.value, "rules").as_slice().unwrap()[0], "token"), "token-80");
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_planned_and_made_and_a_removal_removes() {
    for plans_removals in [false, true] {
        for protocol in [5, 6] {
            let rig = Rig::new();
            let ready = rig.ready(&Script { protocol, plans_removals, ..rig.script() }).await;
            assert_eq!(ready.provider.plans_removals().await, plans_removals);
            let first = ready.make("name = \"a\"\nsecret = \"12345\"\nsecret_version = 1").await;
            let changed = ready.thing("name = \"b\"\nsecret = \"123456789\"\nsecret_version = 2");
            let planned = ready.plan(&first, &changed).await.unwrap();
            assert_eq!(text(&planned.planned, "id"), "thing-1");
            assert!(!at(&planned.planned, "revision").is_known());
            assert!(!at(&planned.planned, "secret_length").is_known());
            let second = observed(ready.apply(&first, &changed).await);
            assert_eq!(at(&second.value, "revision"), Value::number(2));
            assert_eq!(at(&second.value, "secret_length"), Value::number(9));

            let null = Value::null(ready.block.ty());
            let private = if plans_removals {
                let planned = ready.plan(&second, &null).await.unwrap();
                assert!(planned.planned.is_null());
                planned.private
            } else {
                Vec::new()
            };
            let request = engine::stack::provider::ApplyResource {
                prior: &second.value,
                configuration: &null,
                planned: &null,
                private: &private,
            };
            let removed = observed(ready.provider.apply(THING, &request).await);
            assert!(removed.value.is_null());
            assert!(rig.cloud().objects.is_empty());
            assert_eq!(ready.provider.read(THING, &second).await.unwrap().value, None, "it is gone");
            ready.plugin.shut_down().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_wants_another_object_is_named() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        let first = ready.make("name = \"a\"\nzone = \"z1\"\none {\n  text = \"t\"\n}").await;
        let moved = ready.thing("name = \"a\"\nzone = \"z2\"\none {\n  text = \"u\"\n}");
        let planned = ready.plan(&first, &moved).await.unwrap();
        let paths: Vec<_> = planned.requires_replace.iter().map(ToString::to_string).collect();
        assert_eq!(paths, [".zone", ".one.text"]);
        let anew = ready.plan(&ready.nothing(), &moved).await.unwrap();
        assert_eq!(anew.requires_replace, []);
        assert!(!at(&anew.planned, "id").is_known());
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_and_warnings_have_their_places() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        let wrong = ready.thing(
            "name = \"\"\nlabels = { fine = \"good\", \"a.b\" = \"bad\" }\nparts = [\"good\", \"bad\", \"bad\"]",
        );
        let said = ready.provider.validate(Part::Managed, THING, &wrong).await;
        assert_eq!(
            lines(&said),
            "error: Empty name; a name has a letter at least; .name\n\
             error: Bad word; \"bad\" is not allowed; .labels[\"a.b\"]\n\
             error: Bad word; \"bad\" is not allowed; .parts[1]\n\
             error: Bad word; \"bad\" is not allowed; .parts[2]"
        );
        let said = ready.provider.validate(Part::Managed, THING, &ready.thing("name = \"odd\"")).await;
        assert_eq!(lines(&said), "warning: Odd name; that is an odd name; .name");
        // What is write-only is sent with the word that it is understood.
        let secret = ready.thing("name = \"a\"\nsecret = \"s\"");
        assert_eq!(ready.provider.validate(Part::Managed, THING, &secret).await, []);
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_keeps_for_itself_comes_back_to_it() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        let made = ready.make("name = \"a\"").await;
        // The provider minds: without it nothing works.
        let bare = Observed { private: Vec::new(), ..made.clone() };
        let why = "error: The private data was lost; \"kept:thing-1\" was given, and \"\" came back; ";
        let said = ready.plan(&bare, &ready.thing("name = \"b\"")).await.unwrap_err();
        assert_eq!(lines(&said), why);
        assert_eq!(lines(&ready.provider.read(THING, &bare).await.unwrap_err()), why);
        let planned = ready.plan(&made, &ready.thing("name = \"b\"")).await.unwrap();
        let request = engine::stack::provider::ApplyResource {
            prior: &made.value,
            configuration: &ready.thing("name = \"b\""),
            planned: &planned.planned,
            private: b"something else",
        };
        let applied = ready.provider.apply(THING, &request).await;
        assert_eq!(
            lines(&applied.remarks),
            "error: The private data was lost; \"planned:b\" was given, and \"something else\" came back; "
        );
        assert!(!applied.is_in_doubt, "the provider answered");
        assert_eq!(applied.value, made.value);
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_takes_words_of_modules_is_told_that_there_are_none() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, takes_meta: true, ..rig.script() }).await;
        let made = ready.make("name = \"a\"").await;
        assert_eq!(ready.provider.read(THING, &made).await.unwrap().value, Some(made));
        let schema = ready.provider.schema().await.unwrap();
        let data = described(&schema.data.get(THING).unwrap().block, "name = \"a\"");
        assert_eq!(text(&ready.provider.read_data(THING, &data).await.unwrap().value, "id"), "thing-1");
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_come_with_every_answer() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let warning = Said { is_warning: true, summary: "Old".into(), ..Said::default() };
        let calls = [
            "ConfigureProvider",
            "PlanResourceChange",
            "ReadResource",
            "ReadDataSource",
            "OpenEphemeralResource",
        ];
        let script = Script { protocol, ..rig.script() };
        let script =
            calls.into_iter().fold(script, |script, call| script.with(Rule::at(call).says(warning.clone())));
        let plugin = rig.plugin(&script);
        let schema = plugin.provider().schema().await.unwrap();
        let said = plugin.provider().configure(&described(&schema.provider.block, "")).await.unwrap();
        assert_eq!(lines(&said), "warning: Old; ; ");
        let ready = Ready::of(plugin).await;
        let made = ready.make("name = \"a\"").await;
        assert_eq!(ready.provider.read(THING, &made).await.unwrap().remarks, said);
        assert_eq!(ready.plan(&made, &ready.thing("name = \"b\"")).await.unwrap().remarks, said);
        let data = described(&schema.data.get(THING).unwrap().block, "name = \"a\"");
        assert_eq!(ready.provider.read_data(THING, &data).await.unwrap().remarks, said);
        let lease = described(&schema.ephemeral.get("scripted_lease").unwrap().block, "scope = \"s\"");
        assert_eq!(ready.powers().open("scripted_lease", &lease).await.unwrap().remarks, said);
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_legacy_type_system_is_told_of_plans_and_applies() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let script = Script { protocol, is_legacy: true, ..rig.script() };
        let script = script.with(
            Rule::at("ApplyResourceChange").answers(Answer::Other("name".into(), "quite another".into())),
        );
        let ready = rig.ready(&script).await;
        let configuration = ready.thing("name = \"a\"");
        assert!(ready.plan(&ready.nothing(), &configuration).await.unwrap().is_legacy);
        let applied = ready.apply(&ready.nothing(), &configuration).await;
        assert!(applied.is_legacy);
        assert_eq!(text(&applied.value, "name"), "quite another", "to judge that is the engine's");
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_the_same_time_are_answered_each() {
    for (protocol, network) in ALL {
        let rig = Rig::new();
        let ready = std::sync::Arc::new(rig.ready(&Script { protocol, network, ..rig.script() }).await);
        let tasks: Vec<_> = (0..20)
            .map(|at| {
                let ready = ready.clone();
                tokio::spawn(async move { ready.make(&format!("name = \"n{at}\"")).await })
            })
            .collect();
        let mut ids = std::collections::BTreeSet::new();
        for (at, task) in tasks.into_iter().enumerate() {
            let made = task.await.unwrap();
            assert_eq!(text(&made.value, "name"), format!("n{at}"));
            ids.insert(text(&made.value, "id"));
        }
        assert_eq!(ids.len(), 20);
        assert_eq!(rig.pids().len(), 1);
        ready.plugin.shut_down().await;
    }
}
