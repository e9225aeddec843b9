//! The blocks around the services: `project`, `environment` with its clusters, `variable`, `output`.

use value::{Type, Value};

use crate::schema::{Attribute, Block, NestedBlock, Nesting, Rule};

pub(super) fn project() -> Block {
    Block {
        doc: "The project, in `mainstay.hcl`.".into(),
        attributes: vec![Attribute::required("name", Type::String, "Its name").rule(Rule::Name)],
        blocks: vec![NestedBlock::new("registry", Nesting::Map { label: "host" }, registry())],
        ..Block::default()
    }
}

fn registry() -> Block {
    Block {
        doc: "A registry of images, by its host and port as references name it: `registry.example:5000`, `docker.io`. One that needs nothing of this needs no block; what `docker login` keeps is used too.".into(),
        attributes: vec![
            Attribute::optional("username", Type::String, "Who we are there"),
            Attribute::optional(
                "password_env",
                Type::String,
                "The environment variable that holds the password or the token",
            ),
            Attribute::optional(
                "mirrors",
                Type::list(Type::String),
                "Where its images are looked for first, in this order: `mirror.example:5000`, or `mirror.example/folder`",
            )
            .or(Value::list(Type::String, Vec::new())),
            Attribute::optional(
                "plain_http",
                Type::Bool,
                "Whether it is spoken to without TLS; by default on loopback only",
            ),
        ],
        ..Block::default()
    }
}

pub(super) fn environment() -> Block {
    Block {
        doc: "An environment: values and clusters. The only place where environments differ. Without one there is `dev`.".into(),
        attributes: vec![
            Attribute::expression("variables", "Values of variables in this environment"),
            Attribute::optional(
                "protected",
                Type::Bool,
                "Whether caution counts more than speed: longer waits, no `down`",
            )
            .or(Value::bool(false)),
            Attribute::optional("env", Type::map(Type::String), "Environment variables of every service in this environment, over the services' own; no secrets, since this is in the repository").rule(Rule::EnvironmentNames),
        ],
        blocks: vec![
            NestedBlock::new("service", Nesting::Map { label: "name" }, overlay()),
            NestedBlock::new("cluster", Nesting::Map { label: "name" }, cluster()),
            NestedBlock::new("provider", Nesting::Map { label: "provider" }, provider()),
        ],
        ..Block::default()
    }
}

fn overlay() -> Block {
    Block {
        doc: "What is otherwise for one service in this environment.".into(),
        attributes: vec![
            Attribute::optional("env", Type::map(Type::String), "Environment variables, over the service's own and over those of the environment; no secrets, since this is in the repository").rule(Rule::EnvironmentNames),
        ],
        ..Block::default()
    }
}

fn provider() -> Block {
    Block {
        doc: "What a provider's program is given in this environment, by its source: `aws`, `hashicorp/aws`. It gets nothing else: its environment is empty otherwise.".into(),
        attributes: vec![
            Attribute::optional(
                "accounts",
                Type::list(Type::String),
                "The accounts that the environment works in: its own, and those that it reaches into. The provider is asked for its account before anything is planned, and any other is refused",
            ),
            Attribute::optional("env", Type::map(Type::String), "Environment variables with their values; no secrets, since this is in the repository"),
            Attribute::optional(
                "env_from",
                Type::map(Type::String),
                "Environment variables that are taken from those of Mainstay: what they are called there",
            ),
        ],
        ..Block::default()
    }
}

pub(super) fn stack() -> Block {
    Block {
        doc: "Values for the variables of a stack: a folder of Terraform's configuration below `stacks`. A folder that needs none needs no block. All other attributes are its variables.".into(),
        attributes: vec![
            Attribute::optional("source", Type::String, "Where it is, if not in `stacks/NAME`: as of a `module`"),
            Attribute::expression("depends_on", "What comes before it besides what it refers to"),
            Attribute::expression("providers", "Configurations of providers that it is given: as of a `module`"),
        ],
        ..Block::default()
    }
}

fn cluster() -> Block {
    Block {
        doc: "A place where services run. Without one there is `local`: this machine.".into(),
        attributes: vec![
            Attribute::optional("driver", Type::String, "What runs them: `agent`, one machine")
                .or(Value::string("agent"))
                .rule(Rule::OneOf(&["agent"])),
            Attribute::optional(
                "socket",
                Type::String,
                "The agent's socket; by default this machine's own agent, which `up` starts",
            )
            .rule(Rule::AbsolutePath),
            Attribute::optional(
                "listen",
                Type::String,
                "Where the HTTP entry of an agent listens that `up` starts",
            )
            .or(Value::string("127.0.0.1:8080"))
            .rule(Rule::SocketAddress),
        ],
        ..Block::default()
    }
}

pub(super) fn variable() -> Block {
    Block {
        doc: "A value that environments and people give.".into(),
        attributes: vec![
            Attribute::expression("type", "The type: `string`, `number`, `bool`, `list(…)`, `object({ … })`"),
            Attribute::expression("default", "What it is if nobody gives it"),
            Attribute::optional("description", Type::String, "What it is for"),
            Attribute::optional("sensitive", Type::Bool, "Whether it is never printed and stored encrypted")
                .or(Value::bool(false)),
            Attribute::optional("nullable", Type::Bool, "Whether null may be given").or(Value::bool(true)),
            Attribute::optional("ephemeral", Type::Bool, "Whether it is never stored").or(Value::bool(false)),
        ],
        blocks: vec![NestedBlock::new("validation", Nesting::List, condition("A condition on the value."))],
        ..Block::default()
    }
}

pub(super) fn output() -> Block {
    Block {
        doc: "A value that is told after an apply.".into(),
        attributes: vec![
            Attribute::expression("value", "The value"),
            Attribute::optional("description", Type::String, "What it is"),
            Attribute::optional("sensitive", Type::Bool, "Whether it is never printed")
                .or(Value::bool(false)),
            Attribute::optional(
                "ephemeral",
                Type::Bool,
                "Whether it is never stored; only in a module that another calls",
            )
            .or(Value::bool(false)),
            Attribute::expression("depends_on", "What comes before it besides what it refers to"),
        ],
        blocks: vec![NestedBlock::new(
            "precondition",
            Nesting::List,
            condition("A condition that must hold."),
        )],
        ..Block::default()
    }
}

fn condition(doc: &'static str) -> Block {
    Block {
        doc: doc.into(),
        attributes: vec![
            Attribute::expression("condition", "An expression that is true or false"),
            Attribute::expression("error_message", "What a person reads if it is false"),
        ],
        ..Block::default()
    }
}
