//! The AWS provider: protocol 5, a legacy type system, the largest schema there is.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use engine::stack::provider::{Part, PlanResource};
use lang::schema::Block;
use plugin::{Plugin, Program, SchemaCache};
use value::{Type, Value};

fn plugin(path: PathBuf, cache: &std::path::Path) -> Arc<Plugin> {
    let program = Program {
        path,
        hash: Some("h1:test".into()),
        variables: BTreeMap::new(),
        wrapper: None,
        reattach: None,
    };
    Plugin::new(program, Some(SchemaCache::new(cache.to_owned())))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_provider_is_asked_for_its_schema_once_and_plans() {
    let Some(path) = testkit::aws::program() else {
        println!("skipped: there is no AWS provider 5.100.0 here");
        return;
    };
    let cache = tempfile::tempdir().unwrap();
    let first = plugin(path.clone(), cache.path());
    let schema = first.provider().schema().await.unwrap();
    let instance = schema.resources.get("aws_instance").unwrap();
    assert!(schema.resources.keys().count() > 1400);
    assert!(instance.block.attribute("ami").is_some());
    assert_eq!(first.processes(), 1);
    first.shut_down().await;

    let second = plugin(path, cache.path());
    let provider = second.provider();
    let schema = provider.schema().await.unwrap();
    assert_eq!(second.processes(), 0, "what is cached needs no process");
    let t = std::time::Instant::now();
    let given = [
        ("region", Value::string("eu-west-1")),
        ("access_key", Value::string("a")),
        ("secret_key", Value::string("b")),
        ("skip_credentials_validation", Value::bool(true)),
        ("skip_requesting_account_id", Value::bool(true)),
        ("skip_metadata_api_check", Value::string("true")),
    ];
    let configuration = object(&schema.provider.block, &given);
    assert_eq!(provider.validate(Part::Provider, "", &configuration).await, []);
    eprintln!("started and validated {:?}", t.elapsed());
    provider.configure(&configuration).await.unwrap();
    eprintln!("configured {:?}", t.elapsed());
    let bucket = schema.resources.get("aws_s3_bucket").unwrap();
    let ty = bucket.block.ty();
    let described = object(&bucket.block, &[("bucket", Value::string("mine"))]);
    assert_eq!(provider.validate(Part::Managed, "aws_s3_bucket", &described).await, []);
    let nothing = Value::null(ty);
    let request =
        PlanResource { prior: &nothing, configuration: &described, proposed: &described, private: &[] };
    let planned = provider.plan("aws_s3_bucket", &request).await.unwrap();
    eprintln!("planned {:?}", t.elapsed());
    assert!(planned.is_legacy);
    assert!(!planned.planned.get("arn").unwrap().is_known());
    assert_eq!(planned.planned.get("bucket"), Some(Value::string("mine")));
    assert!(!planned.private.is_empty());
    assert_eq!(second.processes(), 1);
    second.shut_down().await;
}

/// An object of a type with what is given, and nothing besides.
fn object(block: &Block, given: &[(&str, Value)]) -> Value {
    let Type::Object(object) = block.ty() else { panic!("no object") };
    Value::object(object.attributes.iter().map(|(name, attribute)| {
        let found = given.iter().find(|(given, _)| *given == name.as_ref()).map(|(_, value)| value.clone());
        let absent = match &attribute.ty {
            other if block.nested(name).is_none() => Value::null(other.clone()),
            Type::List(element) => Value::list(element.as_ref().clone(), Vec::new()),
            Type::Set(element) => Value::set(element.as_ref().clone(), Vec::new()),
            other => Value::null(other.clone()),
        };
        (name.clone(), found.unwrap_or(absent))
    }))
}
