//! What one expression sees: the world from a cluster, and `each` or `count` of its own block.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diag::Diagnostic;
use lang::functions::FunctionError;
use lang::resolve::{Reference, ServiceId};
use lang::{ProjectFiles, Scope};
use value::{Type, Value};

use super::{ClusterIndex, World, text};
use crate::Key;

/// The world from one cluster.
pub(super) struct View<'v, 'a> {
    world: &'v World<'a>,
    cluster: ClusterIndex,
    repeated: Option<(&'v Key, Option<&'v Value>)>,
}

impl<'v, 'a> View<'v, 'a> {
    /// `repeated`: the instance's key, and what `each.value` is.
    pub(super) fn of(
        world: &'v World<'a>,
        cluster: ClusterIndex,
        repeated: Option<(&'v Key, Option<&'v Value>)>,
    ) -> Self {
        Self { world, cluster, repeated }
    }

    fn service(&self, id: ServiceId) -> Result<Value, Box<Diagnostic>> {
        let world = self.world;
        if world.predicting || world.failed.contains(&id.0) {
            return Ok(Value::unknown(Type::Dynamic));
        }
        let clusters = world.instances.get(id.0 as usize);
        let seen = world.seen_cluster(id, self.cluster).and_then(|seen| clusters?.get(&seen));
        if let Some(value) = seen.and_then(|instances| instances.composed.clone()) {
            return Ok(value);
        }
        let Some(service) = world.configuration.service(id) else { return Ok(Value::unknown(Type::Dynamic)) };
        if service.count.is_some() {
            return Ok(Value::tuple(Vec::new()));
        }
        if service.for_each.is_some() {
            return Ok(Value::object(Vec::<(&str, Value)>::new()));
        }
        let named = |at: &ClusterIndex| world.clusters.get(*at).map(|name| format!("`{name}`"));
        let elsewhere: Vec<String> = clusters
            .into_iter()
            .flatten()
            .filter(|(_, i)| !i.values.is_empty())
            .filter_map(|(at, _)| named(at))
            .collect();
        let name = &service.name.name;
        if elsewhere.is_empty() {
            return Ok(Value::unknown(Type::Dynamic));
        }
        let here = named(&self.cluster).unwrap_or_default();
        let fault = Diagnostic::error(
            "not-in-cluster",
            format!("`service.{name}` does not run in the cluster {here}"),
        )
        .because(format!("it runs in {}, and which of these is meant does not follow", elsewhere.join(", ")))
        .hint(format!("let it run in {here} too, or give this service the same `clusters`"));
        Err(Box::new(fault))
    }
}

impl Scope for View<'_, '_> {
    fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
        let world = self.world;
        let unknown = || Value::unknown(Type::Dynamic);
        Ok(match reference {
            Reference::Variable(id) => world.variables.get(id.0 as usize).cloned().unwrap_or_else(unknown),
            Reference::Local(id) => {
                let placed = || world.placed.get(&(id.0, self.cluster));
                let plain = world.plain.get(id.0 as usize).and_then(Option::as_ref);
                plain.or_else(placed).cloned().unwrap_or_else(unknown)
            }
            Reference::Service(id) => return self.service(id).map_err(|fault| *fault),
            Reference::Image(id) => world
                .configuration
                .image(id)
                .map_or_else(unknown, |image| Value::string(image.name.name.clone())),
            Reference::EachKey => match self.repeated {
                Some((Key::Name(name), _)) => Value::string(name.clone()),
                _ => unknown(),
            },
            Reference::EachValue => match self.repeated {
                Some((_, Some(value))) => value.clone(),
                _ => unknown(),
            },
            Reference::CountIndex => match self.repeated {
                Some((Key::Index(index), _)) => {
                    i64::try_from(*index).map_or_else(|_| unknown(), Value::number)
                }
                _ => unknown(),
            },
            Reference::ClusterName => {
                world.clusters.get(self.cluster).map_or_else(unknown, |name| text(name.as_str()))
            }
            Reference::EnvironmentName | Reference::Workspace => text(world.environment.as_str()),
            Reference::Environment(id) => {
                let name = world.configuration.environments.get(id.0 as usize).map(|it| &it.name);
                let found =
                    world.others.environments.iter().find(|(environment, _)| Some(environment) == name);
                found.map_or_else(unknown, |(_, outputs)| outputs.clone())
            }
            Reference::ProjectName => Value::string(world.configuration.project.name.clone()),
            Reference::PathModule | Reference::PathRoot => text("."),
            Reference::PathCwd => text(&world.files.root().to_string_lossy()),
            Reference::Applying => Value::unknown(value::Type::Bool),
            Reference::Module(call) | Reference::ModuleOutput(call, _) => {
                let name = world.configuration.call(call).map(|call| &call.name.name);
                let stack = world.others.stacks.iter().find(|(stack, _)| Some(stack) == name);
                stack.map_or_else(unknown, |(_, outputs)| outputs.clone())
            }
            Reference::SelfObject | Reference::Resource(_) | Reference::Slot(_) => unknown(),
        })
    }

    fn files(&self) -> &dyn ProjectFiles {
        self.world.files
    }

    fn may_draw(&self) -> bool {
        self.world.may_draw
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, FunctionError> {
        let why = "a provider's function can be called in a stack, not beside services";
        let mut fault =
            FunctionError::new(None, format!("The function `{name}` cannot be called here: {why}."));
        fault.hint = Some("call it in a stack, and use an output of that: `stack.NAME.OUTPUT`".into());
        Err(fault)
    }

    fn now(&self) -> Option<SystemTime> {
        Some(SystemTime::now())
    }

    fn plan_time(&self) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_millis(self.world.planned_at_ms))
    }
}
