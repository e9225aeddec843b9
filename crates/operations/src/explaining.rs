//! Where the environment variables of services come from: the image, the service, the environment, the launch; and which of them counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::{Address, EnvLayers, Variables};
use serde::Serialize;
use value::Value;

use crate::diffing::Side;
use crate::planning::Watch;
use crate::session::Description;
use crate::{Fault, Session};

/// What a value is given at the launch by: `service.web.env.CACHE`. No variable's name has a point.
const LAUNCHED: &str = "service.";

/// A variable of a service, and where its values come from.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedVariable {
    /// The service, as it is in one cluster.
    pub service: Address,
    /// The variable.
    pub name: String,
    /// Everything that gives it a value, the one that counts last.
    pub given: Vec<GivenVariable>,
}

/// A value of a variable, and what gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GivenVariable {
    /// `image`, `service`, `environment`, `environment, this service`, `launch`, or `agent`.
    pub layer: String,
    /// The value; not that of a sensitive one.
    pub value: String,
}

/// Explains the variables of a service, or one of them.
///
/// # Errors
/// If there is no such service or variable, or the configuration cannot be worked out.
pub async fn explain(
    session: &Session,
    service: &str,
    name: Option<&str>,
    watch: &Watch,
) -> Result<Vec<ExplainedVariable>, Fault> {
    if let Some(fault) = session.description.unknown_service(service) {
        return Err(Fault::Usage(fault.into()));
    }
    let layers = session.description.env_layers(session.environment.as_str());
    let described = Side::described(session, EnvLayers::default(), watch).await?;
    let mut found = Vec::new();
    for (address, value) in &described {
        if address.kind.as_str() == "service" && address.name.as_ref() == service {
            found.extend(of_instance(session, address, value, &layers));
        }
    }
    if found.is_empty() {
        let fault = format!("`{service}` has no copy in the environment {}", session.environment);
        return Err(Fault::usage(fault, "its `count` or `for_each` leaves none"));
    }
    let Some(name) = name else { return Ok(found) };
    let names: BTreeSet<String> = found.iter().map(|it| it.name.clone()).collect();
    found.retain(|it| it.name == name);
    if found.is_empty() {
        let hint = match diag::closest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", names.into_iter().collect::<Vec<_>>().join(", ")),
        };
        return Err(Fault::usage(format!("`{service}` has no variable `{name}`"), hint));
    }
    Ok(found)
}

fn of_instance(
    session: &Session,
    address: &Address,
    value: &Value,
    layers: &EnvLayers,
) -> Vec<ExplainedVariable> {
    let mut all: BTreeMap<String, Vec<GivenVariable>> = BTreeMap::new();
    let mut give = |layer: &str, name: &str, value: String| {
        all.entry(name.to_owned()).or_default().push(GivenVariable { layer: layer.to_owned(), value });
    };
    for (name, value) in image_variables(session, value) {
        give("image", &name, value);
    }
    let own = value.get("env");
    for (name, value) in own.as_ref().and_then(Value::as_entries).into_iter().flatten() {
        let is_secret = value.is_sensitive() || own.as_ref().is_some_and(Value::is_sensitive);
        give(
            "service",
            name,
            match value.as_str() {
                _ if is_secret => "(sensitive value)".into(),
                Some(text) => text.to_owned(),
                None => "(known after apply)".into(),
            },
        );
    }
    for (layer, variables) in layers.of(&address.name) {
        for (name, value) in variables {
            give(layer, name, value.to_string());
        }
    }
    let ports = value.get("port");
    let names: Vec<Arc<str>> =
        ports.as_ref().and_then(Value::as_entries).into_iter().flat_map(|it| it.keys().cloned()).collect();
    for port in &names {
        let name = format!("PORT_{}", port.to_uppercase().replace(['-', '.'], "_"));
        give("agent", &name, "(the port to listen on)".into());
    }
    if !names.is_empty() {
        give("agent", "PORT", "(the port to listen on)".into());
    }
    let explained = |(name, given)| ExplainedVariable { service: address.clone(), name, given };
    all.into_iter().map(explained).collect()
}

/// What the pinned build of a service's image says; nothing where there is no image, or none that is here.
fn image_variables(session: &Session, value: &Value) -> Vec<(String, String)> {
    let reference = value.get("image").and_then(|it| it.as_str().map(str::to_owned));
    let digest = reference.as_deref().and_then(|it| it.rsplit_once('@')).map(|(_, digest)| digest.to_owned());
    let config = digest.and_then(|digest| {
        let layout = oci::Layout::open(session.images_dir()).ok()?;
        layout.image(&digest.parse().ok()?).ok()
    });
    let pairs = config.map(|image| image.config.config.env.clone()).unwrap_or_default();
    pairs
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What `--set-env web.CACHE=x` is among the values that are given: a service's name and a variable's. `None`: it is another value.
pub(crate) fn launched(name: &str) -> Option<(&str, &str)> {
    let (service, variable) = name.strip_prefix(LAUNCHED)?.split_once(".env.")?;
    (!service.is_empty() && !variable.is_empty()).then_some((service, variable))
}

impl Description {
    /// What goes over the services' own variables in an environment.
    pub(crate) fn env_layers(&self, environment: &str) -> EnvLayers {
        let described = self.configuration.environment(environment);
        let variables = |pairs: &lang::Pairs| pairs.iter().cloned().collect::<Variables>();
        let mut launch: BTreeMap<Arc<str>, Variables> = BTreeMap::new();
        for (name, input) in &self.given {
            if let Some((service, variable)) = launched(name) {
                launch.entry(service.into()).or_default().insert(variable.into(), input.text.as_str().into());
            }
        }
        EnvLayers {
            environment: described.map(|it| variables(&it.env)).unwrap_or_default(),
            services: described
                .map(|it| it.services.iter().map(|(name, env)| (name.clone(), variables(env))).collect())
                .unwrap_or_default(),
            launch,
        }
    }
}
