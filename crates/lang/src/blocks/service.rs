//! The `service` block. Defaults are those of the service contract.

use value::{Type, Value};

use crate::schema::{Attribute, Block, Choice, NestedBlock, Nesting, Rule};

pub(super) fn block() -> Block {
    Block {
        doc: "A program that is kept running, in as many copies and clusters as it says.".into(),
        attributes: vec![
            Attribute::optional("image", Type::String, "The image by name (its release is pinned in the environment), by digest, or in a registry: `registry.example/app:1`, whose tag is pinned when it is first planned and again by `deploy`; runs in a container"),
            Attribute::optional("program", Type::list(Type::String), "A program of the host with its arguments, instead of an image; runs as a process under limits")
                .rule(Rule::Command),
            Attribute::optional("command", Type::list(Type::String), "Program and arguments in the image, instead of the image's own; `$(NAME)` is replaced by that environment variable")
                .rule(Rule::Command),
            Attribute::optional("directory", Type::String, "Where a host program runs; by default an empty folder of its own").rule(Rule::AbsolutePath),
            Attribute::optional("replicas", Type::Number, "How many copies run in each cluster")
                .or(Value::number(1))
                .rule(Rule::Whole { min: 0, max: 10_000 }),
            Attribute::optional("env", Type::map(Type::String), "Environment variables, over the image's own; `PORT`, `PORT_<NAME>` and `HOST` are added")
                .or(Value::map(Type::String, Vec::<(&str, Value)>::new()))
                .rule(Rule::EnvironmentNames),
            Attribute::optional("clusters", Type::list(Type::String), "The clusters that it runs in; by default all of the environment"),
            Attribute::computed("address", Type::String, "`host:port` of the first port (`http` if there is one, else by name), in front of all copies; the same for as long as the service exists"),
            Attribute::computed("addresses", Type::map(Type::String), "`host:port` by port name"),
        ],
        blocks: vec![
            NestedBlock::new("port", Nesting::Map { label: "name" }, port()),
            NestedBlock::new("health", Nesting::Single { defaults: false }, health()),
            NestedBlock::new("route", Nesting::List, route()),
            NestedBlock::new("resources", Nesting::Single { defaults: true }, resources()),
            NestedBlock::new("rollout", Nesting::Single { defaults: true }, rollout()),
            NestedBlock::new("restart", Nesting::Single { defaults: true }, restart()),
            NestedBlock::new("stop", Nesting::Single { defaults: true }, stop()),
        ],
        choices: vec![
            Choice { of: &["image", "program"], required: true },
            Choice { of: &["program", "command"], required: false },
            Choice { of: &["image", "directory"], required: false },
        ],
        ..Block::default()
    }
}

fn port() -> Block {
    Block {
        doc: "A port that the program listens on.".into(),
        attributes: vec![
            Attribute::required("container", Type::Number, "The port inside the container; a host program is told a free one in `PORT`")
                .rule(Rule::Whole { min: 1, max: 65_535 }),
            Attribute::optional("protocol", Type::String, "How it is balanced: `http` request by request, `h2c` likewise to a program that speaks HTTP/2 without TLS (gRPC), `tcp` connection by connection; by default `http` for the port of that name, else `tcp`")
                .rule(Rule::OneOf(&["http", "h2c", "tcp"])),
            Attribute::optional("publish", Type::String, "An address of the cluster's machine, such as `127.0.0.1:5432`, where clients outside reach the port, beside its own address"),
            Attribute::optional("max_body", Type::String, "The largest body of a request, such as `10Mi`; a larger one is answered with 413. By default any")
                .rule(Rule::Size),
            Attribute::optional("timeout", Type::String, "Time until an answer begins; after it, the request is answered with 504. By default as long as it takes")
                .rule(Rule::Duration),
            Attribute::optional("upgraded_drain", Type::String, "Time that upgraded connections (WebSocket) are given when a copy leaves, where that is longer than `rollout.drain`; by default 2m")
                .rule(Rule::Duration),
        ],
        ..Block::default()
    }
}

fn health() -> Block {
    Block {
        doc: "When a copy is ready. Without it, a copy is ready as soon as it runs.".into(),
        attributes: vec![
            Attribute::optional("http", Type::String, "A path that answers with a status from 200 to 399")
                .rule(Rule::AbsolutePath),
            Attribute::optional("tcp", Type::Bool, "Whether an accepted connection is enough"),
            Attribute::optional(
                "command",
                Type::list(Type::String),
                "A program, run beside the service's own, that exits with 0",
            )
            .rule(Rule::Command),
            Attribute::optional(
                "port",
                Type::String,
                "The name of the port that is asked; by default `http`, else the first by name",
            ),
            Attribute::optional("interval", Type::String, "Time between two checks")
                .or(Value::string("1s"))
                .rule(Rule::Duration),
            Attribute::optional("timeout", Type::String, "Time after which an answer counts as none")
                .or(Value::string("2s"))
                .rule(Rule::Duration),
            Attribute::optional(
                "passes",
                Type::Number,
                "Consecutive passes that make a copy ready; one hides a crash loop",
            )
            .or(Value::number(2))
            .rule(Rule::Whole { min: 1, max: 100 }),
            Attribute::optional(
                "failures",
                Type::Number,
                "Consecutive failures that make a ready copy unready",
            )
            .or(Value::number(3))
            .rule(Rule::Whole { min: 1, max: 100 }),
        ],
        choices: vec![Choice { of: &["http", "tcp", "command"], required: true }],
        ..Block::default()
    }
}

fn route() -> Block {
    Block {
        doc: "Requests from outside that come to this service. Of several routes that fit a request, one with a host counts before one for any host, then the longer path, then the one with more `headers` and `cookies`.".into(),
        attributes: vec![
            Attribute::optional("host", Type::String, "The host that is asked for; by default any")
                .rule(Rule::Host),
            Attribute::optional("path", Type::String, "The beginning of the path, on segment borders")
                .or(Value::string("/"))
                .rule(Rule::AbsolutePath),
            Attribute::optional(
                "headers",
                Type::map(Type::String),
                "Headers that a request must have, with exactly these values",
            ),
            Attribute::optional(
                "cookies",
                Type::map(Type::String),
                "Cookies that a request must have, with exactly these values",
            ),
            Attribute::optional(
                "port",
                Type::String,
                "The name of the port; by default the port `http`, or else the first by name that is not `tcp`",
            ),
        ],
        blocks: vec![NestedBlock::new("tls", Nesting::Single { defaults: false }, tls())],
        ..Block::default()
    }
}

fn tls() -> Block {
    Block {
        doc: "The certificate that the entry shows for the route's host; without a host, for every host that has none of its own. Files on the cluster's machine, read again when they change.".into(),
        attributes: vec![
            Attribute::required("certificate", Type::String, "The file of the chain in PEM, the host's own certificate first")
                .rule(Rule::AbsolutePath),
            Attribute::required("key", Type::String, "The file of the private key in PEM, without a passphrase")
                .rule(Rule::AbsolutePath),
            Attribute::optional("redirect", Type::Bool, "Whether plain requests for the host are sent to HTTPS; by default they are served"),
        ],
        ..Block::default()
    }
}

fn resources() -> Block {
    Block {
        doc: "Limits of each copy; what is left out is not limited.".into(),
        attributes: vec![
            Attribute::optional("cpu", Type::Number, "Processor cores").rule(Rule::Positive),
            Attribute::optional(
                "memory",
                Type::String,
                "Memory; a program that reaches it is killed and the cause is kept",
            )
            .rule(Rule::Size),
            Attribute::optional("pids", Type::Number, "Processes and threads")
                .rule(Rule::Whole { min: 1, max: 4_194_304 }),
        ],
        ..Block::default()
    }
}

fn rollout() -> Block {
    Block {
        doc: "How a change replaces the copies.".into(),
        attributes: vec![
            Attribute::optional("surge", Type::String, "New copies started beyond `replicas` at a time: a number or a share; by default 1 or 25%, the larger")
                .rule(Rule::CountOrShare),
            Attribute::optional("min_healthy", Type::String, "How long a new copy is ready without a break before it counts; by default 10s where the environment is protected, else 2s")
                .rule(Rule::Duration),
            Attribute::optional("progress_deadline", Type::String, "Time without progress after which the rollout has failed; renewed by each copy that becomes healthy")
                .or(Value::string("120s"))
                .rule(Rule::Duration),
            Attribute::optional("drain", Type::String, "Time that requests in flight are given when a copy leaves").or(Value::string("30s")).rule(Rule::Duration),
            Attribute::optional("strategy", Type::String, "`rolling`: a few copies at a time. `blue_green`: all new copies first, at full size, then one switch from all old ones to all new ones")
                .or(Value::string("rolling"))
                .rule(Rule::OneOf(&["rolling", "blue_green"])),
            Attribute::optional("warm", Type::String, "How long the copies of the release before are kept running without traffic, so that going back takes no start; by default 10m where the environment is protected, else 0s")
                .rule(Rule::Duration),
        ],
        ..Block::default()
    }
}

fn restart() -> Block {
    Block {
        doc: "What happens when the program exits by itself.".into(),
        attributes: vec![
            Attribute::optional(
                "attempts",
                Type::Number,
                "Restarts within the window; one more exit is a failure",
            )
            .or(Value::number(3))
            .rule(Rule::Whole { min: 0, max: 1_000 }),
            Attribute::optional("window", Type::String, "The window")
                .or(Value::string("5m"))
                .rule(Rule::Duration),
            Attribute::optional("backoff", Type::String, "The first wait; doubled at each restart")
                .or(Value::string("1s"))
                .rule(Rule::Duration),
        ],
        ..Block::default()
    }
}

fn stop() -> Block {
    Block {
        doc: "How a copy is stopped.".into(),
        attributes: vec![
            Attribute::optional("signal", Type::String, "The signal that asks it to")
                .or(Value::string("SIGTERM"))
                .rule(Rule::Signal),
            Attribute::optional("grace", Type::String, "Time until it is killed")
                .or(Value::string("30s"))
                .rule(Rule::Duration),
        ],
        ..Block::default()
    }
}
