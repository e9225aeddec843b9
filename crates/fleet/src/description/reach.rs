//! How a service is reached: its ports and routes, read from its description.

use std::collections::BTreeMap;

use agent_api::{Protocol, Route, RouteTls};

use super::attributes::Attributes;
use super::{Defaults, Port, named_port};

pub(super) fn ports(service: &Attributes<'_>, defaults: &Defaults) -> Vec<Port> {
    let mut ports = Vec::new();
    for (name, port) in service.each("port") {
        let name = port.text("name").unwrap_or(name);
        let container = port.count("container").and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
        if container.is_none() {
            port.fault("container", "a port's number is from 1 to 65535");
        }
        let protocol = match port.text("protocol").as_deref() {
            Some("http") => Protocol::Http,
            Some("h2c") => Protocol::H2c,
            Some("tcp") => Protocol::Tcp,
            None if name == "http" => Protocol::Http,
            None => Protocol::Tcp,
            Some(other) => {
                port.fault("protocol", format!("`{other}` is not known; it is `http`, `h2c` or `tcp`"));
                Protocol::Tcp
            }
        };
        let publish = port.text("publish").and_then(|text| {
            let address = text.parse().ok().filter(|address: &std::net::SocketAddr| address.port() != 0);
            if address.is_none() {
                let way_out = "write the address and the port, such as `127.0.0.1:5432`";
                port.fault("publish", format!("`{text}` cannot be listened at; {way_out}"));
            }
            address
        });
        let it = Port {
            name,
            container: container.unwrap_or(1),
            protocol,
            publish,
            body_bytes_max: port.bytes("max_body"),
            answer_ms_max: port.milliseconds("timeout"),
            upgraded_drain_ms: port.milliseconds("upgraded_drain").unwrap_or(defaults.upgraded_drain_ms),
        };
        if protocol == Protocol::Tcp {
            for (name, given) in [
                ("max_body", it.body_bytes_max.is_some()),
                ("timeout", it.answer_ms_max.is_some()),
                ("upgraded_drain", port.text("upgraded_drain").is_some()),
            ] {
                if given {
                    let way_out = "leave it out, or balance the port by requests with `protocol`";
                    port.fault(name, format!("a `tcp` port has no requests that it could be for; {way_out}"));
                }
            }
        }
        if it.answer_ms_max == Some(0) {
            port.fault("timeout", "it is longer than no time");
        }
        ports.push(it);
    }
    ports.sort_by(|a, b| (a.name != "http", &a.name).cmp(&(b.name != "http", &b.name)));
    ports
}

pub(super) fn routes(service: &Attributes<'_>, ports: &[Port]) -> Vec<Route> {
    let first = || ports.iter().find(|port| port.protocol.is_by_request());
    let mut routes = Vec::new();
    for (_, route) in service.each("route") {
        let path = route.text("path").unwrap_or_else(|| "/".into());
        if !path.starts_with('/') {
            route.fault("path", format!("`{path}` is not a path; it starts with `/`"));
        }
        let Some(port) = named_port(&route, ports, first()) else { continue };
        if ports.iter().any(|it| it.name == port && !it.protocol.is_by_request()) {
            let why = "requests are routed to `http` and `h2c` ports only";
            route.fault("port", format!("{why}, and `{port}` is `tcp`; `publish` makes it reachable"));
        }
        routes.push(Route {
            host: route.text("host").map(|host| host.to_ascii_lowercase()),
            path,
            port,
            headers: texts(&route, "headers", |name| {
                name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
            }),
            cookies: texts(&route, "cookies", |name| !name.contains(['=', ';', ' ', '\t'])),
            tls: tls(&route.nested("tls")),
        });
    }
    routes
}

/// Conditions by name.
fn texts(route: &Attributes<'_>, attribute: &str, is_name: fn(&str) -> bool) -> BTreeMap<String, String> {
    let mut conditions = BTreeMap::new();
    for (name, value) in route.value(attribute).iter().filter_map(|map| map.as_entries()).flatten() {
        let visible = |text: &str| text.chars().all(|character| !character.is_control());
        match value.as_str() {
            Some(text) if !name.is_empty() && is_name(name) && visible(name) && visible(text) => {
                conditions.insert(name.to_string(), text.to_owned());
            }
            _ => route.fault(
                attribute,
                format!("`{}` cannot be a name or has no proper value", name.escape_debug()),
            ),
        }
    }
    conditions
}

fn tls(tls: &Attributes<'_>) -> Option<RouteTls> {
    if !tls.is_there() {
        return None;
    }
    let file = |name: &str| {
        let path = tls.text(name).unwrap_or_default();
        if !path.starts_with('/') {
            tls.fault(name, "it is the absolute path of a file in PEM on the cluster's machine");
        }
        path
    };
    let (certificate, key) = (file("certificate"), file("key"));
    Some(RouteTls { certificate, key, redirect: tls.flag("redirect").unwrap_or(false) })
}
