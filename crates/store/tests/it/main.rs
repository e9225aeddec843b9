//! The store against real files, real processes and real power cuts (as far as `kill -9` is one).

mod backend;
mod broken;
mod cases;
mod leases;
mod ledger;
mod moto;
mod rig;
mod s3;
mod sealing;
mod speed;
mod state;
mod v4;

use std::collections::BTreeMap;
use std::path::Path;

use engine::{Action, Address, DeploymentId, EnvironmentName, Intent, StateRow};
use store::{KeyRing, SqliteStore};
use value::{Marks, Type, Value};

fn dev() -> EnvironmentName {
    EnvironmentName::new("dev")
}

fn keys(dir: &Path) -> KeyRing {
    KeyRing::open(&dir.join("keys"), BTreeMap::new())
}

async fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(&dir.join("state.db"), keys(dir)).await.unwrap()
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn service(image: &str) -> Value {
    Value::object([
        ("image", Value::string(image)),
        ("replicas", Value::number(2_i64)),
        ("port", Value::null(Type::Number)),
        ("env", Value::map(Type::String, [("MODE", Value::string("production"))])),
        ("command", Value::list(Type::String, vec![Value::string("serve"), Value::string("--all")])),
    ])
}

fn secret(text: &str) -> Value {
    Value::string(text).with_marks(Marks::SENSITIVE)
}

fn row(at: &str, value: Value) -> StateRow {
    StateRow::new(address(at), value, vec![address("service.cache@local")])
}

fn intent(at: &str, before: Option<Value>, after: Option<Value>) -> Intent {
    Intent {
        environment: dev(),
        deployment: DeploymentId::new("d1"),
        address: address(at),
        action: Action::Update,
        before,
        after,
        depends_on: vec![address("service.cache@local")],
        record: engine::Record::default(),
        taking_back: false,
    }
}
