//! What the proxy is told, of services and instances: who serves each port, and where routes lead. It tells nobody.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use agent_api::{InstanceId, Phase, Protocol, Route, ServiceKey};
use proxy::{Certificate, Config, Endpoint, InstanceName, Limits, Port, PortName, Service};

use super::Known;

/// What counts of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) phase: Phase,
    pub(crate) address: IpAddr,
    pub(crate) ports: BTreeMap<String, u16>,
    /// What metrics call its release.
    pub(crate) release: String,
}

/// The snapshot without a version. `listen` gives the address of a stable port.
pub(crate) fn compose(
    services: &BTreeMap<ServiceKey, Known>,
    instances: &BTreeMap<InstanceId, Candidate>,
    listen: impl Fn(u16) -> SocketAddr,
) -> Config {
    let mut config = Config::default();
    for (key, known) in services.iter().filter(|(_, known)| known.is_routed()) {
        let name = proxy::ServiceKey(key.to_string());
        let serving = serving(known, instances);
        let mut ports = BTreeMap::new();
        for port in &known.spec.ports {
            let endpoints = serving
                .iter()
                .filter_map(|(id, candidate, weight)| {
                    let address = SocketAddr::new(candidate.address, *candidate.ports.get(&port.name)?);
                    let release = Some(candidate.release.clone());
                    Some(Endpoint { instance: InstanceName(id.0.clone()), address, weight: *weight, release })
                })
                .collect();
            let protocol = match port.protocol {
                Protocol::Http => proxy::Protocol::Http,
                Protocol::H2c => proxy::Protocol::H2c,
                Protocol::Tcp => proxy::Protocol::Tcp,
            };
            let limits = Limits { body_bytes_max: port.body_bytes_max, answer_ms_max: port.answer_ms_max };
            let listen = known.ports.get(&port.name).map(|number| listen(*number));
            ports.insert(
                PortName(port.name.clone()),
                Port { protocol, listen, publish: port.publish, limits, endpoints },
            );
        }
        config.routes.extend(known.spec.routes.iter().map(|route| proxy::Route {
            host: route.host.clone(),
            path: route.path.clone(),
            headers: route.headers.clone(),
            cookies: route.cookies.clone(),
            service: name.clone(),
            port: PortName(route.port.clone()),
        }));
        certify(&mut config, &name, &known.spec.routes);
        config.services.insert(name, Service { ports });
    }
    config
}

/// Adds the certificates of a service's routes, each host's once: several routes of a host commonly name the same.
fn certify(config: &mut Config, service: &proxy::ServiceKey, routes: &[Route]) {
    for route in routes {
        let Some(tls) = &route.tls else { continue };
        let certificate = Certificate {
            host: route.host.clone(),
            certificate: tls.certificate.clone().into(),
            key: tls.key.clone().into(),
            redirect: tls.redirect,
            service: service.clone(),
        };
        let same = |other: &&mut Certificate| {
            let (theirs, ours) = (&**other, &certificate);
            theirs.host == ours.host && theirs.certificate == ours.certificate && theirs.key == ours.key
        };
        match config.certificates.iter_mut().find(same) {
            Some(other) => other.redirect |= certificate.redirect,
            None => config.certificates.push(certificate),
        }
    }
}

/// Who serves a service: those named that are ready. Where none is ready, those that once were and still run: the last
/// known good are better than none.
fn serving<'a>(
    known: &'a Known,
    instances: &'a BTreeMap<InstanceId, Candidate>,
) -> Vec<(&'a InstanceId, &'a Candidate, u32)> {
    let named = || {
        known
            .spec
            .serving
            .iter()
            .filter_map(|(id, weight)| instances.get(id).map(|found| (id, found, *weight)))
    };
    let ready: Vec<_> = named().filter(|(_, found, _)| found.phase == Phase::Ready).collect();
    if ready.is_empty() {
        named().filter(|(_, found, _)| found.phase == Phase::Unready).collect()
    } else {
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_api::{ServicePort, ServiceSpec};
    use std::net::Ipv4Addr;

    fn check(phases: &[(&str, Phase)], expect: &[&str]) {
        let key = ServiceKey { project: "shop".into(), environment: "dev".into(), service: "web".into() };
        let spec = ServiceSpec {
            key: key.clone(),
            written: serde_json::Value::Null,
            ports: vec![ServicePort::new("http", Protocol::Http)],
            routes: Vec::new(),
            serving: ["a", "b", "gone"].map(|id| (InstanceId(id.into()), 1)).into(),
            drain_ms: 0,
        };
        let known = Known { spec, ports: BTreeMap::from([("http".to_owned(), 10_000)]) };
        let instances = phases
            .iter()
            .map(|(id, phase)| {
                let ports = BTreeMap::from([("http".to_owned(), 80)]);
                (
                    InstanceId((*id).into()),
                    Candidate {
                        phase: *phase,
                        address: Ipv4Addr::LOCALHOST.into(),
                        ports,
                        release: "r".into(),
                    },
                )
            })
            .collect();
        let config = compose(&BTreeMap::from([(key, known)]), &instances, |port| {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)
        });
        let port =
            &config.services[&proxy::ServiceKey("shop/dev/web".into())].ports[&PortName("http".into())];
        let found: Vec<&str> = port.endpoints.iter().map(|endpoint| endpoint.instance.0.as_str()).collect();
        assert_eq!(found, expect, "{phases:?}");
    }

    #[test]
    fn those_that_are_ready_serve_and_else_the_last_known_good() {
        check(&[("a", Phase::Ready), ("b", Phase::Ready), ("c", Phase::Ready)], &["a", "b"]);
        check(&[("a", Phase::Ready), ("b", Phase::Unready)], &["a"]);
        check(&[("a", Phase::Unready), ("b", Phase::Unready)], &["a", "b"]);
        check(&[("a", Phase::Failed), ("b", Phase::Unready)], &["b"]);
        check(&[("a", Phase::Starting), ("b", Phase::Stopping)], &[]);
    }
}
