//! What clients may write: names that are safe as file names, and descriptions that can be run. It changes nothing.

use agent_api::{HealthCheck, InstanceId, InstanceSpec, PortSpec, Probe, Sandbox, ServiceKey, ServiceSpec};
use nix::sys::signal::Signal;

use crate::error::Refused;

/// The longest name of a project, environment, service or port: they become names of files and hosts.
const NAME_BYTES_MAX: usize = 63;

/// Checks an instance's id.
pub(crate) fn instance_id(id: &InstanceId) -> Result<(), Refused> {
    let text = &id.0;
    let fine = !text.is_empty()
        && text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-');
    if fine {
        return Ok(());
    }
    Err(Refused::invalid(format!("`{}` is no instance id", text.escape_debug()))
        .hint("use at most 63 lower-case letters, digits and `-`"))
}

/// Checks a name of the given kind.
pub(crate) fn name(kind: &str, text: &str) -> Result<(), Refused> {
    let fine = !text.is_empty()
        && text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
        })
        && !text.starts_with('.');
    if fine {
        return Ok(());
    }
    Err(Refused::invalid(format!("`{}` is no name of a {kind}", text.escape_debug()))
        .hint("use at most 63 lower-case letters, digits, `-`, `_` and `.`, and no `.` at the beginning"))
}

/// Checks the three names of a service.
pub(crate) fn service_key(key: &ServiceKey) -> Result<(), Refused> {
    name("project", &key.project)?;
    name("environment", &key.environment)?;
    name("service", &key.service)
}

/// Checks an instance's description.
pub(crate) fn instance(spec: &InstanceSpec) -> Result<(), Refused> {
    instance_id(&spec.id)?;
    service_key(&spec.service)?;
    match &spec.sandbox {
        Sandbox::Container { image } => {
            digest(image)?;
        }
        Sandbox::Process { directory } => {
            if let Some(directory) = directory
                && !directory.starts_with('/')
            {
                return Err(Refused::invalid(format!("the directory `{directory}` is not absolute")));
            }
            if spec.command.is_empty() {
                return Err(Refused::invalid("a process needs a command: there is no image that has one"));
            }
        }
    }
    for (at, port) in spec.ports.iter().enumerate() {
        name("port", &port.name)?;
        if port.container == 0 {
            return Err(Refused::invalid(format!("port `{}` has the number 0", port.name)));
        }
        if spec.ports[..at].iter().any(|other| variable(&other.name) == variable(&port.name)) {
            return Err(Refused::invalid(format!("there are two ports `{}`", port.name)));
        }
    }
    for (variable, value) in &spec.env {
        if variable.is_empty() || variable.contains(['=', '\0']) || value.contains('\0') {
            // The value may be a secret and is not repeated.
            return Err(Refused::invalid(format!(
                "the variable `{}` cannot be set",
                variable.escape_debug()
            )));
        }
    }
    if spec.command.iter().any(|word| word.contains('\0')) {
        return Err(Refused::invalid("the command holds a zero byte"));
    }
    if spec.stop.signal.parse::<Signal>().is_err() {
        return Err(Refused::invalid(format!("`{}` is no signal", spec.stop.signal)).hint("such as SIGTERM"));
    }
    spec.health.as_ref().map_or(Ok(()), |check| health(check, &spec.ports))
}

fn health(check: &HealthCheck, ports: &[PortSpec]) -> Result<(), Refused> {
    if check.passes == 0 || check.failures == 0 || check.interval_ms == 0 || check.timeout_ms == 0 {
        return Err(Refused::invalid(
            "a check's interval, timeout, passes and failures are all greater than 0",
        ));
    }
    let (Probe::Http { port, .. } | Probe::Tcp { port }) = &check.probe else {
        let Probe::Command { command } = &check.probe else { return Ok(()) };
        return match command.first() {
            Some(program) if !program.is_empty() && !command.iter().any(|word| word.contains('\0')) => Ok(()),
            _ => Err(Refused::invalid("a check by command needs a program")),
        };
    };
    if !ports.iter().any(|known| known.name == *port) {
        return Err(Refused::invalid(format!(
            "the check asks port `{port}`, which the instance does not have"
        )));
    }
    if let Probe::Http { path, .. } = &check.probe
        && (!path.starts_with('/') || path.parse::<http::Uri>().is_err())
    {
        return Err(Refused::invalid(format!("`{}` is no path", path.escape_debug())));
    }
    Ok(())
}

/// Checks a service's description.
pub(crate) fn service(spec: &ServiceSpec) -> Result<(), Refused> {
    service_key(&spec.key)?;
    for (at, port) in spec.ports.iter().enumerate() {
        name("port", &port.name)?;
        if spec.ports[..at].iter().any(|other| other.name == port.name) {
            return Err(Refused::invalid(format!("there are two ports `{}`", port.name)));
        }
    }
    for route in &spec.routes {
        let Some(port) = spec.ports.iter().find(|port| port.name == route.port) else {
            return Err(Refused::invalid(format!(
                "a route leads to port `{}`, which there is not",
                route.port
            )));
        };
        if !port.protocol.is_by_request() {
            return Err(Refused::invalid(format!(
                "a route leads to port `{}`, which is neither http nor h2c",
                route.port
            )));
        }
        if !route.path.starts_with('/') {
            return Err(Refused::invalid(format!("a route's path starts with `/`: `{}`", route.path)));
        }
        if let Some(tls) = &route.tls
            && let Some(path) = [&tls.certificate, &tls.key].into_iter().find(|path| !path.starts_with('/'))
        {
            return Err(Refused::invalid(format!(
                "a certificate's file is named by an absolute path: `{path}`"
            )));
        }
    }
    spec.serving.keys().try_for_each(instance_id)
}

/// Reads an image's digest.
pub(crate) fn digest(text: &str) -> Result<oci::Digest, Refused> {
    text.parse().map_err(|_| {
        Refused::invalid(format!("`{}` is no digest", text.escape_debug()))
            .hint("it is `sha256:` and 64 hexadecimal digits")
    })
}

/// The variable of a port: `PORT_<NAME>`.
pub(crate) fn variable(port: &str) -> String {
    format!("PORT_{}", port.to_ascii_uppercase().replace(['-', '.'], "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_a_folder() {
        for bad in ["", ".", "..", "../x", "a/b", "A", "a b", "a\0", ".hidden", &"x".repeat(64)] {
            assert!(name("service", bad).is_err(), "{bad:?}");
            assert!(instance_id(&InstanceId(bad.to_owned())).is_err(), "{bad:?}");
        }
        assert!(name("service", "web_2.blue-x").is_ok());
        assert!(instance_id(&InstanceId("shop-web-1a2b".into())).is_ok());
    }
}
