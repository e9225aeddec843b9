//! What providers can do besides: data, leases, functions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::stack::provider::Part;
use testkit::provider::Script;
use value::{Number, Type, Value};

use crate::rig::{Rig, described, lines, strings, text};

#[tokio::test(flavor = "multi_thread")]
async fn data_is_validated_and_read() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        ready.make("name = \"a\"").await;
        let block = ready.provider.schema().await.unwrap().data.get("scripted_thing").unwrap().block.clone();
        let wrong = described(&block, "name = \"\"");
        let said = ready.provider.validate(Part::Data, "scripted_thing", &wrong).await;
        assert_eq!(lines(&said), "error: Empty name; a name has a letter at least; .name");
        let there = ready.provider.read_data("scripted_thing", &described(&block, "name = \"a\"")).await;
        assert_eq!(text(&there.unwrap().value, "id"), "thing-1");
        let absent = ready.provider.read_data("scripted_thing", &described(&block, "name = \"b\"")).await;
        assert_eq!(absent.unwrap().value.get("is_there"), Some(Value::bool(false)));
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_opened_renewed_and_closed() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        let kind = "scripted_lease";
        let block = ready.provider.schema().await.unwrap().ephemeral.get(kind).unwrap().block.clone();
        assert!(block.attribute("token").unwrap().is_sensitive);
        let said = ready.provider.validate(Part::Ephemeral, kind, &described(&block, "scope = \"\"")).await;
        assert_eq!(lines(&said), "error: Empty scope; a scope has a letter at least; .scope");

        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let body = described(&block, "scope = \"s\"\nrenew_after_ms = 90500");
        let opened = ready.powers().open(kind, &body).await.unwrap();
        assert_eq!(text(&opened.value, "token"), "s:lease-1");
        let within = |at_ms: Option<u64>| {
            let late = Duration::from_secs(60).as_millis() as u64;
            (now_ms + 90_500..now_ms + 90_500 + late).contains(&at_ms.unwrap())
        };
        assert!(within(opened.renew_at_ms));
        assert_eq!(rig.cloud().leases.iter().collect::<Vec<_>>(), ["lease-1/0"]);
        let renewed = ready.powers().renew(kind, &opened.private).await.unwrap();
        assert!(within(renewed.renew_at_ms));
        assert_eq!(rig.cloud().leases.iter().collect::<Vec<_>>(), ["lease-1/1"]);
        let said = ready.powers().renew(kind, &opened.private).await.unwrap_err();
        assert_eq!(lines(&said), "error: No such lease; lease-1/0 is not open; ");
        assert_eq!(ready.powers().close(kind, &renewed.private).await, []);
        assert!(rig.cloud().leases.is_empty());
        let said = ready.powers().close(kind, &renewed.private).await;
        assert_eq!(lines(&said), "error: No such lease; lease-1/1 is not open; ");

        let lasting = ready.powers().open(kind, &described(&block, "scope = \"t\"")).await.unwrap();
        assert_eq!(lasting.renew_at_ms, None);
        ready.plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_are_called_and_their_faults_name_the_argument() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, ..rig.script() }).await;
        let powers = ready.powers();
        let signature = &ready.provider.schema().await.unwrap().functions["join_words"];
        assert_eq!(signature.metadata["variadic_parameter"]["type"], "string");
        let texts = |words: &[&str]| words.iter().map(|word| Value::string(*word)).collect::<Vec<_>>();
        let joined = powers.call("join_words", &texts(&["-", "a", "b", "c"])).await;
        assert_eq!(joined, Ok(Value::string("a-b-c")));
        assert_eq!(powers.call("join_words", &texts(&["-"])).await, Ok(Value::string("")));
        let fault = powers.call("join_words", &texts(&["-", "a", ""])).await.unwrap_err();
        assert_eq!(lines(&[fault]), "error: Error in function call; a word has a letter at least; [2]");

        let numbers = |a: i64, b: i64| [Value::number(a), Value::number(b)];
        assert_eq!(powers.call("quotient", &numbers(17, 5)).await, Ok(Value::number(3)));
        let fault = powers.call("quotient", &numbers(1, 0)).await.unwrap_err();
        assert_eq!(lines(&[fault]), "error: Error in function call; nothing can be divided by 0; [1]");
        let half = Value::number(Number::from_f64(0.5).unwrap());
        let fault = powers.call("quotient", &[half, Value::number(1)]).await.unwrap_err();
        assert_eq!(lines(&[fault]), "error: Error in function call; both numbers have to be whole; ");

        let nested = Value::object([("list", strings(&["x"])), ("nothing", Value::null(Type::Bool))]);
        for any in [
            Value::string("s"),
            Value::bool(true),
            nested,
            Value::tuple(vec![Value::number(1), Value::string("two")]),
            Value::unknown(Type::String),
        ] {
            assert_eq!(powers.call("echo", std::slice::from_ref(&any)).await, Ok(any));
        }
        let null = powers.call("echo", &[Value::null(Type::Dynamic)]).await.unwrap();
        assert!(null.is_null());
        let fault = powers.call("unheard_of", &[]).await.unwrap_err();
        assert_eq!(lines(&[fault]), "error: Unknown function; the provider has no `unheard_of`; ");
        ready.plugin.shut_down().await;
    }
}
