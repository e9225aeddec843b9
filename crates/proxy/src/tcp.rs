//! TCP ports: a client's connection is joined to one of an endpoint. The bytes are not looked at.

use std::sync::Arc;

use tokio::net::TcpStream;
use tracing::{debug, warn};

use crate::balancer::{Balancer, Target, Unserved};
use crate::pool::connect;
use crate::table::PortKey;
use crate::upstream::Lease;

/// Endpoints that are tried before a client is turned away. More would keep it waiting for longer than it would itself.
const ATTEMPTS_MAX: usize = 3;

/// Serves one connection of a client, which counts as in flight until both directions have ended.
pub(crate) async fn relay(balancer: Arc<Balancer>, key: Arc<PortKey>, mut client: TcpStream) {
    let Some((mut endpoint, mut lease)) = open(&balancer, &key).await else { return };
    lease.is_tcp();
    if let Err(fault) = tokio::io::copy_bidirectional(&mut client, &mut endpoint).await {
        debug!(instance = %lease.upstream.instance.name, "a connection broke off: {fault}");
    }
}

async fn open(balancer: &Balancer, key: &PortKey) -> Option<(TcpStream, Lease)> {
    let mut barred = Vec::new();
    while barred.len() < ATTEMPTS_MAX {
        let lease = match balancer.pick(Target::Port(key), &barred) {
            Ok(lease) => lease,
            Err(Unserved::NoEndpoint(service)) => {
                service.was_unserved();
                break;
            }
            Err(Unserved::NoRoute) => break,
        };
        match connect(lease.upstream.address).await {
            Ok(stream) => return Some((stream, lease)),
            Err(_) => {
                lease.connect_failed();
                barred.push(lease.upstream.clone());
                if barred.len() == ATTEMPTS_MAX {
                    lease.service().was_unserved();
                }
            }
        }
    }
    warn!(service = %key.service, port = %key.port, tried = barred.len(), "no endpoint took a connection");
    None
}
