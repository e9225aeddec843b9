//! Where an expression is evaluated: a module instance, with `each`, `count` and `self` where the block has them.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diag::Diagnostic;
use lang::configuration::NodeId;
use lang::functions::FunctionError;
use lang::{ProjectFiles, Reference, Scope};
use value::{Type, Value};

use super::{Each, Phase, World};

/// A module instance, and what the block has besides.
#[derive(Clone, Copy)]
pub struct Place<'w> {
    pub(super) world: &'w World,
    pub(super) node: NodeId,
    pub(super) instance: usize,
    each: Option<&'w Each>,
    own: Option<&'w Value>,
}

impl<'w> Place<'w> {
    pub(super) fn new(world: &'w World, node: NodeId, instance: usize) -> Self {
        Self { world, node, instance, each: None, own: None }
    }

    /// With what `each` or `count` are.
    #[must_use]
    pub fn with_each<'a>(self, each: Option<&'a Each>) -> Place<'a>
    where
        'w: 'a,
    {
        Place { each, ..self }
    }

    /// With what `self` is.
    #[must_use]
    pub fn with_self<'a>(self, own: &'a Value) -> Place<'a>
    where
        'w: 'a,
    {
        Place { own: Some(own), ..self }
    }
}

impl Place<'_> {
    /// The folder that its expressions go by, absolute.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.world.files(self.node).root()
    }
}

impl Scope for Place<'_> {
    fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
        let world = self.world;
        let Some(slots) = world.slots(self.node) else { return Ok(unknown()) };
        Ok(match reference {
            Reference::Variable(id) => World::known(slots.variables.get(id.0 as usize), self.instance),
            Reference::Local(id) => World::known(slots.locals.get(id.0 as usize), self.instance),
            Reference::Resource(id) => World::known(slots.resources.get(id.0 as usize), self.instance),
            Reference::Module(call) => world.module(self.node, call, self.instance),
            Reference::ModuleOutput(call, output) => {
                world.module_output(self.node, call, output, self.instance)
            }
            Reference::EachKey => match self.each {
                Some(each) => each.each_key(),
                None => return Err(no_repetition("each.key", "for_each")),
            },
            Reference::EachValue => match self.each {
                Some(each) => each.each_value(),
                None => return Err(no_repetition("each.value", "for_each")),
            },
            Reference::CountIndex => match self.each {
                Some(each) => each.count_index(),
                None => return Err(no_repetition("count.index", "count")),
            },
            Reference::SelfObject => self.own.cloned().unwrap_or_else(unknown),
            Reference::PathModule => {
                let folder = world.configuration(self.node).map_or("", |c| c.folder.as_ref());
                let folder = world.stacks.relative(self.node, folder);
                Value::string(if folder.is_empty() { ".".to_owned() } else { folder })
            }
            Reference::PathRoot => Value::string("."),
            Reference::PathCwd => Value::string(world.files(self.node).root().display().to_string()),
            Reference::Workspace | Reference::EnvironmentName => {
                Value::string(world.input.environment.as_str())
            }
            Reference::ProjectName => world
                .configuration(self.node)
                .map_or_else(unknown, |it| Value::string(it.project.name.clone())),
            Reference::Image(id) => {
                let image = world.configuration(self.node).and_then(|it| it.image(id));
                image.map_or_else(unknown, |image| Value::string(image.name.name.clone()))
            }
            Reference::Environment(id) => world.environment(self.node, id),
            _ => unknown(),
        })
    }

    fn files(&self) -> &dyn ProjectFiles {
        self.world.files(self.node)
    }

    fn may_draw(&self) -> bool {
        self.world.phase == Phase::Apply
    }

    fn foresees(&self) -> bool {
        false
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, FunctionError> {
        self.world.call_provider(self.node, name, arguments)
    }

    fn now(&self) -> Option<SystemTime> {
        Some(SystemTime::now())
    }

    fn plan_time(&self) -> Option<SystemTime> {
        (self.world.phase != Phase::Validate)
            .then(|| UNIX_EPOCH + Duration::from_millis(self.world.input.now_ms))
    }
}

fn unknown() -> Value {
    Value::unknown(Type::Dynamic)
}

fn no_repetition(name: &str, argument: &str) -> Diagnostic {
    Diagnostic::error(
        "reference-not-allowed",
        format!("Reference to \"{name}\" in a block without `{argument}`"),
    )
    .hint(format!("`{name}` exists where the block has `{argument}`"))
}
