//! Environment variables of services by where they are given: over what a service says goes what its environment says of all
//! services, then what it says of this one, then what was given at the launch. What is in an image is under all of these, and is the
//! agent's.

use std::collections::BTreeMap;
use std::sync::Arc;

use value::{Kind, Type, Value};

/// Environment variables by name.
pub type Variables = BTreeMap<Arc<str>, Arc<str>>;

/// What goes over the services' own variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvLayers {
    /// Of every service in the environment.
    pub environment: Variables,
    /// Of a service in the environment, by its name.
    pub services: BTreeMap<Arc<str>, Variables>,
    /// Given at the launch, by the service's name.
    pub launch: BTreeMap<Arc<str>, Variables>,
}

impl EnvLayers {
    /// What goes over a service's own, the lowest first, each with what it is called.
    pub fn of(&self, service: &str) -> impl Iterator<Item = (&'static str, &Variables)> {
        let all = [
            ("environment", Some(&self.environment)),
            ("environment, this service", self.services.get(service)),
            ("launch", self.launch.get(service)),
        ];
        all.into_iter().filter_map(|(layer, variables)| Some((layer, variables.filter(|it| !it.is_empty())?)))
    }

    /// A service's value with what goes over its variables.
    pub(super) fn over(&self, service: &str, value: Value) -> Value {
        if self.of(service).next().is_none() {
            return value;
        }
        let (Kind::Object(attributes), marks) = (value.kind(), value.marks()) else { return value };
        let own = attributes.get("env");
        // Which variables there are is not known: neither is what they are together.
        if own.is_some_and(|own| !own.is_known()) {
            return value;
        }
        let mut env: BTreeMap<Arc<str>, Value> = own
            .and_then(Value::as_entries)
            .map(|entries| entries.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
            .unwrap_or_default();
        for (_, variables) in self.of(service) {
            env.extend(variables.iter().map(|(name, text)| (name.clone(), Value::string(text.clone()))));
        }
        let own_marks = own.map(Value::marks).unwrap_or_default();
        let mut attributes = attributes.as_ref().clone();
        attributes.insert("env".into(), Value::map(Type::String, env).with_marks(own_marks));
        Value::object(attributes).with_marks(marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::Marks;

    #[test]
    fn what_is_given_later_goes_over_what_is_given_before() {
        let one = |name: &str, text: &str| Variables::from([(name.into(), text.into())]);
        let layers = EnvLayers {
            environment: Variables::from([
                ("A".into(), "environment".into()),
                ("B".into(), "environment".into()),
            ]),
            services: BTreeMap::from([
                ("web".into(), one("B", "of web")),
                ("api".into(), one("C", "of api")),
            ]),
            launch: BTreeMap::from([("web".into(), one("D", "launch"))]),
        };
        let secret = Value::string("own").with_marks(Marks::SENSITIVE);
        let env = [("A", Value::string("own")), ("D", secret.clone()), ("S", secret)];
        let service = Value::object([("env", Value::map(Type::String, env)), ("image", Value::string("x"))]);
        let env = layers.over("web", service.clone()).get("env").expect("variables");
        let text = |name: &str| env.get(name).and_then(|it| it.as_str().map(str::to_owned));
        assert_eq!(
            ["A", "B", "C", "D"].map(text),
            [Some("environment".into()), Some("of web".into()), None, Some("launch".into())]
        );
        assert!(env.get("S").is_some_and(|it| it.is_sensitive()));
        assert_eq!(EnvLayers::default().over("web", service.clone()), service);
        let unknown = Value::object([("env", Value::unknown(Type::map(Type::String)))]);
        assert_eq!(layers.over("web", unknown.clone()), unknown);
        let none = Value::object([("env", Value::null(Type::map(Type::String)))]);
        assert_eq!(layers.over("api", none).get("env").and_then(|it| it.length()), Some(3));
    }
}
