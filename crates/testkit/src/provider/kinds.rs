//! What the provider makes, as data.

use value::Type;

use super::shape::{Field, Given, Nesting, Shape, field, nested, objects};

/// The version of `scripted_thing`'s schema; in version 1 `name` was `title` and `size` a text.
pub(super) const VERSION: i64 = 2;
/// The version of its identity's schema; in version 0 `id` was `key`.
pub(super) const IDENTITY_VERSION: i64 = 1;

/// What identifies a `scripted_thing`.
pub(super) const IDENTITY: [(&str, bool); 2] = [("id", true), ("zone", false)];

/// A kind's name, the version of its schema, and the schema.
pub(super) type Kind = (&'static str, i64, Shape);

/// The provider's own configuration.
pub(super) fn configuration() -> Shape {
    Shape {
        fields: vec![
            field("region", Type::String, Given::Optional),
            field("token", Type::String, Given::Optional).sensitive(),
        ],
        blocks: vec![nested(
            "retry",
            Nesting::List,
            vec![
                field("attempts", Type::Number, Given::Required),
                field("wait", Type::String, Given::Optional),
            ],
        )],
    }
}

/// What a module may say to the provider.
pub(super) fn meta() -> Shape {
    Shape::of(vec![field("module", Type::String, Given::Optional)])
}

/// Managed resources.
pub(super) fn managed(protocol: u32) -> Vec<Kind> {
    let other = Shape::of(vec![
        field("id", Type::String, Given::Computed),
        field("title", Type::String, Given::Required),
    ]);
    vec![("scripted_thing", VERSION, thing(protocol)), ("other_thing", 0, other)]
}

fn thing(protocol: u32) -> Shape {
    let text = |name| field(name, Type::String, Given::Optional);
    let mut fields = vec![
        field("id", Type::String, Given::Computed),
        field("name", Type::String, Given::Required),
        field("size", Type::Number, Given::Optional),
        field("enabled", Type::Bool, Given::OptionalComputed),
        field("parts", Type::list(Type::String), Given::Optional),
        field("labels", Type::map(Type::String), Given::Optional),
        field("members", Type::set(Type::String), Given::Optional),
        field("anything", Type::Dynamic, Given::Optional),
        text("zone"),
        text("password").sensitive(),
        text("secret").write_only(),
        field("secret_version", Type::Number, Given::Optional),
        field("secret_length", Type::Number, Given::Computed),
        field("address", Type::String, Given::Computed),
        field("port", Type::Number, Given::Computed),
        field("endpoints", Type::list(Type::String), Given::Computed),
        field("revision", Type::Number, Given::Computed),
    ];
    if protocol >= 6 {
        fields.extend(nested_attributes());
    }
    let blocks = vec![
        nested("one", Nesting::Single, vec![text("text"), field("mark", Type::String, Given::Computed)]),
        nested("many", Nesting::List, vec![text("text"), field("mark", Type::String, Given::Computed)]),
        nested(
            "rules",
            Nesting::Set,
            vec![field("port", Type::Number, Given::Required), field("token", Type::String, Given::Computed)],
        ),
        nested("named", Nesting::Map, vec![text("text"), field("mark", Type::String, Given::Computed)]),
        nested("limits", Nesting::Group, vec![field("cpu", Type::Number, Given::OptionalComputed)]),
    ];
    Shape { fields, blocks }
}

fn nested_attributes() -> Vec<Field> {
    let mode = || {
        vec![
            field("mode", Type::String, Given::Required),
            field("level", Type::Number, Given::OptionalComputed),
        ]
    };
    let peer =
        vec![field("host", Type::String, Given::Required), field("key", Type::String, Given::Computed)];
    vec![
        objects("settings", Nesting::Single, mode()),
        objects("steps", Nesting::List, mode()),
        objects("peers", Nesting::Set, peer),
        objects("routes", Nesting::Map, mode()),
    ]
}

/// Data sources: an object by its name, and what the process was started with.
pub(super) fn data() -> Vec<Kind> {
    let thing = Shape::of(vec![
        field("name", Type::String, Given::Required),
        field("id", Type::String, Given::Computed),
        field("is_there", Type::Bool, Given::Computed),
    ]);
    let process = Shape::of(vec![
        field("pid", Type::Number, Given::Computed),
        field("variables", Type::map(Type::String), Given::Computed),
        field("region", Type::String, Given::Computed),
    ]);
    vec![("scripted_thing", 0, thing), ("scripted_process", 0, process)]
}

/// What is ephemeral: a lease that may want to be renewed.
pub(super) fn ephemeral() -> Vec<Kind> {
    let lease = Shape::of(vec![
        field("scope", Type::String, Given::Required),
        field("renew_after_ms", Type::Number, Given::Optional),
        field("token", Type::String, Given::Computed).sensitive(),
    ]);
    vec![("scripted_lease", 0, lease)]
}
