//! Providers that end, hang or fail in the middle of a call.

use std::time::{Duration, Instant};

use testkit::provider::{Answer, Crash, Network, Rule, Said, Script};
use value::Value;

use crate::rig::{ALL, Ready, Rig, THING, all_ended, lines, runs, text};

const APPLY: &str = "ApplyResourceChange";
const PLAN: &str = "PlanResourceChange";

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_middle_of_a_plan_is_quoted() {
    for (protocol, network) in ALL {
        let rig = Rig::new();
        let crash = Crash::Panic("runtime error: index out of range [3] with length 3".into());
        let script = Script { protocol, network, ..rig.script() };
        let ready = rig.ready(&script.with(Rule::at(PLAN).crashes(crash))).await;
        let said = ready.plan(&ready.nothing(), &ready.thing("name = \"a\"")).await.unwrap_err();
        let said = lines(&said);
        let begins = "error: The provider ended unexpectedly; the provider ended in the middle of PlanResourceChange \
                      (exit status: 2); the last it wrote:\npanic: runtime error: index out of range [3] with length 3\n";
        assert!(said.starts_with(begins), "{said}");
        assert!(said.contains("goroutine 1 [running]:"), "{said}");
        all_ended(&rig.pids()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_in_the_middle_of_an_apply_leaves_doubt_and_its_object() {
    let ways = [
        (Crash::Exit(0), "exit status: 0"),
        (Crash::Exit(9), "exit status: 9"),
        (Crash::Abort, "signal: 6 (SIGABRT)"),
        (Crash::Kill, "signal: 9 (SIGKILL)"),
        (Crash::Panic("nil map".into()), "exit status: 2"),
    ];
    for (at, (crash, how)) in ways.into_iter().enumerate() {
        for acts in [false, true] {
            let (protocol, network) = ALL[(at + usize::from(acts)) % ALL.len()];
            let rig = Rig::new();
            let rule = Rule::at(APPLY);
            let rule = if acts { rule.crashes_after(crash.clone()) } else { rule.crashes(crash.clone()) };
            let script = Script { protocol, network, ..rig.script() };
            let ready = rig.ready(&script.clone().with(rule)).await;
            let applied = ready.apply(&ready.nothing(), &ready.thing("name = \"a\"")).await;
            assert!(applied.is_in_doubt);
            let said = lines(&applied.remarks);
            assert!(said.contains(&format!("in the middle of {APPLY} ({how}")), "{said}");
            assert_eq!(rig.cloud().objects.len(), usize::from(acts));
            // Everything else fails in the same way, and starts nothing.
            let again = ready.plan(&ready.nothing(), &ready.thing("name = \"b\"")).await.unwrap_err();
            assert!(lines(&again).contains(how), "{}", lines(&again));
            ready.plugin.shut_down().await;
            all_ended(&rig.pids()).await;
            assert_eq!(rig.pids().len(), 1);
            if acts {
                // The next run finds what was left behind.
                let next = rig.ready(&script).await;
                let by = engine::stack::provider::ImportBy::Id("thing-1");
                let found = next.powers().import(THING, by).await.unwrap();
                let read = next.provider.read(THING, &found[0].object).await.unwrap().value.unwrap();
                assert_eq!(text(&read.value, "name"), "a");
                next.plugin.shut_down().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_run_when_a_provider_ends_fail_all() {
    let rig = Rig::new();
    let slow = Rule { about: Some("slow".into()), ..Rule::at(APPLY).waits(60_000) };
    let crash = Rule { about: Some("crash".into()), ..Rule::at(APPLY).crashes(Crash::Panic("all".into())) };
    let ready = std::sync::Arc::new(rig.ready(&rig.script().with(slow).with(crash)).await);
    let slow = tokio::spawn({
        let ready = ready.clone();
        async move { ready.apply(&ready.nothing(), &ready.thing("name = \"slow\"")).await }
    });
    while rig.count(APPLY) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let crashed = ready.apply(&ready.nothing(), &ready.thing("name = \"crash\"")).await;
    for applied in [crashed, slow.await.unwrap()] {
        assert!(applied.is_in_doubt);
        assert!(lines(&applied.remarks).contains("panic: all"), "{}", lines(&applied.remarks));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_takes_its_time_is_waited_for() {
    let rig = Rig::new();
    let ready = rig.ready(&rig.script().with(Rule::at(APPLY).waits(1_500))).await;
    let begun = Instant::now();
    ready.make("name = \"a\"").await;
    assert!(begun.elapsed() >= Duration::from_millis(1_500));
    ready.plugin.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_is_told_to_stop_and_answers_what_it_came_to() {
    for (protocol, network) in ALL {
        let rig = Rig::new();
        let script = Script { protocol, network, ..rig.script() };
        let hangs = Rule { about: Some("b".into()), ..Rule::at(APPLY).waits(600_000) };
        let ready = std::sync::Arc::new(rig.ready(&script.with(hangs)).await);
        let made = ready.make("name = \"a\"").await;
        let before = made.value.clone();
        let task = tokio::spawn({
            let ready = ready.clone();
            async move { ready.apply(&made, &ready.thing("name = \"b\"")).await }
        });
        while rig.count(APPLY) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!task.is_finished());
        ready.provider.stop().await;
        let applied = task.await.unwrap();
        assert_eq!(lines(&applied.remarks), "error: Stopped; it was told to stop before it acted; ");
        assert!(!applied.is_in_doubt);
        assert_eq!(applied.value, before);
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_and_is_ended_leaves_doubt() {
    let rig = Rig::new();
    let ready = std::sync::Arc::new(rig.ready(&rig.script().with(Rule::at(APPLY).waits(600_000))).await);
    let task = tokio::spawn({
        let ready = ready.clone();
        async move { ready.apply(&ready.nothing(), &ready.thing("name = \"a\"")).await }
    });
    while rig.count(APPLY) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let pids = rig.pids();
    assert!(runs(pids[0]));
    ready.plugin.shut_down().await;
    let applied = tokio::time::timeout(Duration::from_secs(10), task).await.unwrap().unwrap();
    assert!(applied.is_in_doubt, "{}", lines(&applied.remarks));
    all_ended(&pids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_is_told_with_what_the_provider_says() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let script = Script { protocol, network: Network::Tcp, ..rig.script() };
        let internal = Answer::Status(13, "the backend is on fire".into());
        let silent = Answer::Status(2, String::new());
        let script = script.with(Rule::at(APPLY).answers(internal)).with(Rule::at(PLAN).answers(silent));
        let ready = rig.ready(&script).await;
        let said = ready.plan(&ready.nothing(), &ready.thing("name = \"a\"")).await.unwrap_err();
        assert_eq!(
            lines(&said),
            "error: The provider failed; the provider failed at PlanResourceChange: Unknown; "
        );
        let (nothing, thing) = (ready.nothing(), ready.thing("name = \"a\""));
        let request = engine::stack::provider::ApplyResource {
            prior: &nothing.value,
            configuration: &thing,
            planned: &thing,
            private: b"planned:a",
        };
        let applied = ready.provider.apply(THING, &request).await;
        assert!(applied.is_in_doubt, "it acted before it failed");
        assert_eq!(
            lines(&applied.remarks),
            "error: The provider failed; the provider failed at ApplyResourceChange: the backend is on fire; "
        );
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_a_provider_does_not_know_is_told_as_its_age() {
    let rig = Rig::new();
    let unknown = Answer::Status(12, "unknown method".into());
    let ready = rig.ready(&rig.script().with(Rule::at("ReadResource").answers(unknown))).await;
    let said = ready.provider.read(THING, &ready.nothing()).await.unwrap_err();
    assert_eq!(
        lines(&said),
        "error: The provider is too old; the provider does not know the call ReadResource; "
    );
    ready.plugin.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_with_an_answer_leaves_no_doubt() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let said = Said {
            summary: "Half-made".into(),
            detail: "the second half is missing".into(),
            path: vec!["labels".into(), serde_json::json!({"key": "k"})],
            ..Said::default()
        };
        let warning = Said { is_warning: true, summary: "Slow".into(), ..Said::default() };
        let script = Script { protocol, ..rig.script() };
        let ready = rig.ready(&script.with(Rule::at(APPLY).says(said).says(warning))).await;
        let applied = ready.apply(&ready.nothing(), &ready.thing("name = \"a\"")).await;
        assert_eq!(
            lines(&applied.remarks),
            "error: Half-made; the second half is missing; .labels[\"k\"]\nwarning: Slow; ; "
        );
        assert!(!applied.is_in_doubt);
        assert_eq!(text(&applied.value, "id"), "thing-1", "what was made is told");
        assert_eq!(applied.private, b"kept:thing-1");
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_while_it_is_asked_for_its_schema_is_quoted_and_nothing_is_kept() {
    let rig = Rig::new();
    let crash = Rule::at("GetProviderSchema").crashes(Crash::Panic("no schema".into()));
    let plugin = rig.cached(&rig.script().with(crash));
    let said = lines(&plugin.provider().schema().await.unwrap_err());
    assert!(
        said.contains("in the middle of GetProviderSchema") && said.contains("panic: no schema"),
        "{said}"
    );
    assert!(!rig.folder().join("schemas").exists());
    drop(plugin);
    Ready::of(rig.cached(&rig.script())).await.plugin.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_while_it_is_configured_is_quoted() {
    let rig = Rig::new();
    let crash = Rule::at("ConfigureProvider").crashes(Crash::Panic("no credentials".into()));
    let plugin = rig.plugin(&rig.script().with(crash));
    let provider = plugin.provider();
    let schema = provider.schema().await.unwrap();
    let configuration = crate::rig::described(&schema.provider.block, "");
    let said = lines(&provider.configure(&configuration).await.unwrap_err());
    assert!(said.contains("in the middle of ConfigureProvider") && said.contains("no credentials"), "{said}");
    assert_eq!(configuration.get("region").map(|it| it.is_null()), Some(true));
    let _: Value = configuration;
    all_ended(&rig.pids()).await;
}
