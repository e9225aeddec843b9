//! Mainstay's own blocks as data: what each may hold, with its defaults, rules and meaning. The reference is made of them.
//!
//! Nothing is decoded here; see [`crate::schema`].

mod image;
mod project;
mod reference;
mod seed;
mod service;

use std::sync::LazyLock;

use value::Type;

pub use reference::reference;

use crate::schema::Block;

/// Attributes of a repeatable block that the engine reads before it decodes the rest.
pub const META: [&str; 3] = ["count", "for_each", "depends_on"];

/// `service`.
pub static SERVICE: LazyLock<Block> = LazyLock::new(service::block);
/// `image`.
pub static IMAGE: LazyLock<Block> = LazyLock::new(image::block);
/// `seed`.
pub static SEED: LazyLock<Block> = LazyLock::new(seed::block);
/// `project`.
pub static PROJECT: LazyLock<Block> = LazyLock::new(project::project);
/// `environment`, without its clusters' labels.
pub static ENVIRONMENT: LazyLock<Block> = LazyLock::new(project::environment);
/// `stack`, without the values of its variables.
pub static STACK: LazyLock<Block> = LazyLock::new(project::stack);
/// `variable`.
pub static VARIABLE: LazyLock<Block> = LazyLock::new(project::variable);
/// `output`.
pub static OUTPUT: LazyLock<Block> = LazyLock::new(project::output);

static SERVICE_TYPE: LazyLock<Type> = LazyLock::new(|| SERVICE.ty());

/// The type of a service's value: what is described, and what only an apply tells.
#[must_use]
pub fn service_type() -> Type {
    SERVICE_TYPE.clone()
}

/// Every block with its labels, for the reference.
#[must_use]
pub fn all() -> Vec<(&'static str, &'static str, &'static Block)> {
    vec![
        ("project", "", &PROJECT),
        ("environment", "NAME", &ENVIRONMENT),
        ("stack", "NAME", &STACK),
        ("variable", "NAME", &VARIABLE),
        ("output", "NAME", &OUTPUT),
        ("service", "NAME", &SERVICE),
        ("image", "NAME", &IMAGE),
        ("seed", "NAME", &SEED),
    ]
}
