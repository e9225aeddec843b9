//! Answers that are not right: the error names the call, and the attribute where there is one.

use testkit::provider::{Answer, Rule, Script};
use value::Value;

use crate::rig::{Rig, THING, at, lines, text};

const APPLY: &str = "ApplyResourceChange";
const PLAN: &str = "PlanResourceChange";
const READ: &str = "ReadResource";

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_cannot_be_read_names_what_is_wrong() {
    let cases = [
        (Answer::WrongType("name".into()), ".name: text was expected, and a sequence is there"),
        (Answer::WrongType("size".into()), ".size: a number was expected, and a sequence is there"),
        (Answer::WrongType("enabled".into()), ".enabled: a bool was expected, and a sequence is there"),
        (
            Answer::WrongType("labels".into()),
            ".labels: names and values was expected, and a sequence is there",
        ),
        (Answer::Missing("name".into()), "the whole: `name` was expected, and nothing is there"),
        (
            Answer::Extra("colour".into()),
            "the whole: an attribute of the schema was expected, and `colour` is there",
        ),
        (
            Answer::Garbage,
            "the whole: names and values was expected, and nothing that MessagePack has is there",
        ),
        (Answer::Cut, "it is not whole"),
    ];
    for protocol in [5, 6] {
        for (answer, why) in &cases {
            let rig = Rig::new();
            let script = Script { protocol, ..rig.script() };
            let ready = rig.ready(&script.with(Rule::at(PLAN).answers(answer.clone()))).await;
            let said =
                ready.plan(&ready.nothing(), &ready.thing("name = \"a\"\nsize = 1")).await.unwrap_err();
            let said = lines(&said);
            let begins = "error: The provider's answer cannot be read; the provider's answer to PlanResourceChange \
                          cannot be read: ";
            let told = said.strip_prefix(begins).unwrap_or_else(|| panic!("{said}"));
            // The place where garbage was cut may be inside of an attribute.
            assert!(told.contains(why) || *answer == Answer::Cut && told.contains("whole"), "{told}");
            ready.plugin.shut_down().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_whose_answer_cannot_be_read_leaves_doubt() {
    for answer in [Answer::Garbage, Answer::Cut, Answer::WrongType("name".into()), Answer::TooLong] {
        let rig = Rig::new();
        let ready = rig.ready(&rig.script().with(Rule::at(APPLY).answers(answer.clone()))).await;
        let applied = ready.apply(&ready.nothing(), &ready.thing("name = \"a\"")).await;
        assert!(applied.is_in_doubt, "{answer:?}");
        assert_eq!(rig.cloud().objects.len(), 1, "it was made");
        assert!(lines(&applied.remarks).contains(APPLY), "{}", lines(&applied.remarks));
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_can_be_read_are_handed_on_for_the_engine_to_judge() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let script = Script { protocol, ..rig.script() };
        let script = script
            .with(Rule { about: Some("u".into()), ..Rule::at(APPLY).answers(Answer::Unknown("id".into())) })
            .with(Rule { about: Some("n".into()), ..Rule::at(APPLY).answers(Answer::Null) })
            .with(Rule {
                about: Some("o".into()),
                ..Rule::at(APPLY).answers(Answer::Other("labels".into(), serde_json::json!({"k": "v"})))
            });
        let ready = rig.ready(&script).await;
        let made = |name: &'static str| {
            let ready = &ready;
            async move { ready.apply(&ready.nothing(), &ready.thing(&format!("name = {name:?}"))).await }
        };
        assert!(!at(&made("u").await.value, "id").is_known());
        assert!(made("n").await.value.is_null());
        assert_eq!(text(&made("o").await.value, "labels.k"), "v");
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_json_is_read_as_well() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let script = Script { protocol, ..rig.script() };
        let script =
            script.with(Rule::at(READ).answers(Answer::AsJson)).with(Rule::at(APPLY).answers(Answer::AsJson));
        let ready = rig.ready(&script).await;
        let made =
            ready.make("name = \"a\"\nsize = 1.5\nrules {\n  port = 80\n}\nlabels = { k = \"v\" }").await;
        assert_eq!(made.value.ty(), ready.block.ty());
        assert_eq!(text(&made.value, "labels.k"), "v");
        let read = ready.provider.read(THING, &made).await.unwrap().value.unwrap();
        assert_eq!(read, made);
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_seventy_megabytes_is_taken_and_one_of_a_gigabyte_is_not() {
    let rig = Rig::new();
    let script = rig.script().with(Rule::at(PLAN).answers(Answer::Long(70 << 20)));
    let ready = rig.ready(&script.with(Rule::at(READ).answers(Answer::TooLong))).await;
    let planned = ready.plan(&ready.nothing(), &ready.thing("name = \"a\"")).await.unwrap();
    assert_eq!(planned.remarks[0].detail.len(), 70 << 20);
    let said = lines(&ready.provider.read(THING, &ready.nothing()).await.unwrap_err());
    assert!(said.contains("the provider failed at ReadResource") && said.contains("too large"), "{said}");
    ready.plugin.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_answers_nonsense_is_named() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let script = Script { protocol, ..rig.script() };
        let ready = rig.ready(&script.with(Rule::at("CallFunction").answers(Answer::Garbage))).await;
        let words = [Value::string("-"), Value::string("a")];
        let fault = ready.powers().call("join_words", &words).await.unwrap_err();
        assert!(lines(&[fault]).contains("answer to CallFunction cannot be read"));
        ready.plugin.shut_down().await;
    }
}
