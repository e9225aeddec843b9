//! The `image` block.

use value::{Type, Value};

use crate::schema::{Attribute, Block, NestedBlock, Nesting, Rule};

fn texts(name: &'static str, doc: &'static str) -> Attribute {
    Attribute::optional(name, Type::map(Type::String), doc)
        .or(Value::map(Type::String, Vec::<(&str, Value)>::new()))
}

pub(super) fn block() -> Block {
    Block {
        doc: "How an image is built, without Docker. The same input gives the same digest.".into(),
        attributes: vec![
            Attribute::optional(
                "base",
                Type::String,
                "`scratch`, an image in a registry (`registry.example/app:1`, whose tag is asked for at each build), a file as `docker save` writes it, or the folder of an image in OCI layout inside the project",
            )
            .or(Value::string("scratch")),
            Attribute::optional(
                "build",
                Type::list(Type::String),
                "A command that is run in the project's folder first, such as a compiler",
            )
            .rule(Rule::Command),
            Attribute::optional(
                "programs",
                Type::list(Type::String),
                "Programs of the host that are put in with the libraries that they need",
            )
            .or(Value::list(Type::String, Vec::new())),
            Attribute::optional("entrypoint", Type::list(Type::String), "Program and first arguments")
                .rule(Rule::Command),
            Attribute::optional(
                "command",
                Type::list(Type::String),
                "Further arguments, which a service may replace",
            ),
            texts("env", "Environment variables, which a service's own go over").rule(Rule::EnvironmentNames),
            texts("labels", "Labels of the image"),
            Attribute::optional("user", Type::String, "Who the program runs as: `uid` or `uid:gid`")
                .rule(Rule::Owner),
            Attribute::optional("working_dir", Type::String, "Where the program runs")
                .rule(Rule::AbsolutePath),
            Attribute::optional("stop_signal", Type::String, "The signal that asks the program to stop")
                .rule(Rule::Signal),
        ],
        blocks: vec![
            NestedBlock::new("debian", Nesting::Single { defaults: false }, debian()),
            NestedBlock::new("file", Nesting::List, file()),
        ],
        ..Block::default()
    }
}

fn debian() -> Block {
    Block {
        doc: "A root of Debian as the base, instead of `base`: its essential packages, and more. It is made once with `mmdebstrap`, and again by `image build --refresh` where there are newer versions.".into(),
        attributes: vec![
            Attribute::required("suite", Type::String, "The release of Debian, such as `bookworm`"),
            Attribute::optional(
                "packages",
                Type::list(Type::String),
                "Packages besides the essential ones, each a name, or `NAME=VERSION`",
            )
            .or(Value::list(Type::String, Vec::new())),
            Attribute::optional("mirror", Type::String, "Where they come from, `http://…`; by default Debian's own"),
        ],
        ..Block::default()
    }
}

fn file() -> Block {
    Block {
        doc: "A file or folder of the project that is put into the image.".into(),
        attributes: vec![
            Attribute::required("source", Type::String, "The file or folder inside the project")
                .rule(Rule::ProjectPath),
            Attribute::required("destination", Type::String, "Its path in the image")
                .rule(Rule::AbsolutePath),
            Attribute::optional("mode", Type::String, "Its permissions in octal; by default the source's")
                .rule(Rule::Mode),
            Attribute::optional("owner", Type::String, "Its owner, `uid` or `uid:gid`; by default root")
                .rule(Rule::Owner),
        ],
        ..Block::default()
    }
}
