//! The life of `terraform_data`, and what `terraform_remote_state` says.

use std::sync::Arc;

use async_trait::async_trait;
use builtin::{Builtin, RemoteStateFault, RemoteStates};
use engine::stack::ResourceProvider;
use engine::stack::provider::{ApplyResource, Part, PlanResource};
use value::{Type, Value};

/// One state that is there, and one that is not.
struct States;

#[async_trait]
impl RemoteStates for States {
    async fn outputs(
        &self,
        _: &str,
        config: &Value,
        _: Option<&str>,
    ) -> Result<Option<Vec<(String, Value)>>, RemoteStateFault> {
        let there = config.get("path").is_some_and(|path| path.as_str() == Some("there"));
        Ok(there.then(|| vec![("a".to_owned(), Value::number(1))]))
    }

    fn check(&self, backend: &str, _: &Value) -> Result<(), RemoteStateFault> {
        if backend == "local" { Ok(()) } else { Err(RemoteStateFault::UnknownBackend) }
    }
}

fn provider() -> Builtin {
    Builtin::new(Arc::new(States))
}

fn object(input: Value, trigger: Value) -> Value {
    let nothing = || Value::null(Type::Dynamic);
    Value::object([
        ("id", Value::null(Type::String)),
        ("input", input),
        ("output", nothing()),
        ("triggers_replace", trigger),
    ])
}

async fn made(configuration: &Value) -> Value {
    let nothing = Value::null(Type::Dynamic);
    let request = PlanResource { prior: &nothing, configuration, proposed: configuration, private: &[] };
    let planned = provider().plan("terraform_data", &request).await.unwrap();
    let request = ApplyResource { prior: &nothing, configuration, planned: &planned.planned, private: &[] };
    let applied = provider().apply("terraform_data", &request).await;
    assert!(applied.remarks.is_empty());
    applied.value
}

#[tokio::test]
async fn what_is_made_has_an_id_of_its_own_and_gives_back_its_input() {
    let configuration = object(Value::string("x"), Value::null(Type::Dynamic));
    let (one, two) = (made(&configuration).await, made(&configuration).await);
    assert_eq!(one.get("output"), Some(Value::string("x")));
    let id = one.get("id").unwrap();
    assert_eq!(id.as_str().map(str::len), Some(36));
    assert_eq!(id.as_str().and_then(|id| id.chars().nth(14)), Some('4'));
    assert_ne!(Some(id), two.get("id"));
}

#[tokio::test]
async fn a_new_input_changes_it_and_a_new_trigger_replaces_it() {
    let before = made(&object(Value::string("x"), Value::string("t"))).await;
    let plan = async |input: &str, trigger: &str| {
        let configuration = object(Value::string(input), Value::string(trigger));
        let mut proposed = before.as_entries().cloned().unwrap();
        proposed.insert("input".into(), Value::string(input));
        proposed.insert("triggers_replace".into(), Value::string(trigger));
        let proposed = Value::object(proposed);
        let request =
            PlanResource { prior: &before, configuration: &configuration, proposed: &proposed, private: &[] };
        provider().plan("terraform_data", &request).await.unwrap()
    };
    assert_eq!(plan("x", "t").await.planned, before);
    let changed = plan("y", "t").await;
    assert_eq!(changed.planned.get("output"), Some(Value::unknown(Type::String)));
    assert!(changed.requires_replace.is_empty());
    let replaced = plan("x", "u").await;
    assert_eq!(replaced.requires_replace[0].to_string(), ".triggers_replace");
}

#[tokio::test]
async fn outputs_of_another_state_stand_over_defaults_and_a_missing_state_is_told() {
    let read = async |path: &str| {
        let configuration = Value::object([
            ("backend", Value::string("local")),
            ("config", Value::object([("path", Value::string(path))])),
            ("defaults", Value::object([("a", Value::number(2)), ("b", Value::number(3))])),
        ]);
        provider().read_data("terraform_remote_state", &configuration).await
    };
    let outputs = read("there").await.unwrap().value.get("outputs").unwrap();
    assert_eq!(outputs.get("a"), Some(Value::number(1)));
    assert_eq!(outputs.get("b"), Some(Value::number(3)));
    assert_eq!(read("gone").await.unwrap_err()[0].summary, "Unable to find remote state");
    let nowhere = Value::object([("backend", Value::string("nope"))]);
    let remarks = provider().validate(Part::Data, "terraform_remote_state", &nowhere).await;
    assert_eq!(remarks[0].detail, "There is no backend type named \"nope\".");
}
