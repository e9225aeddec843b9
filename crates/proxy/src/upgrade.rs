//! Connections that went over to another protocol, such as WebSocket: bytes are passed both ways until one side is done.
//! The bytes are not looked at.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tracing::debug;

use crate::upstream::Lease;

/// Joins the two sides once both have gone over. The connection counts as in flight until it ends.
pub(crate) async fn tunnel(client: OnUpgrade, endpoint: OnUpgrade, mut lease: Lease) {
    lease.is_upgraded();
    let (client, endpoint) = match futures_util::future::try_join(client, endpoint).await {
        Ok(sides) => sides,
        Err(fault) => {
            let instance = &lease.upstream.instance.name;
            debug!(%instance, "a connection was not upgraded: {}", diag::with_causes(&fault));
            return;
        }
    };
    let (mut client, mut endpoint) = (TokioIo::new(client), TokioIo::new(endpoint));
    if let Err(fault) = tokio::io::copy_bidirectional(&mut client, &mut endpoint).await {
        debug!(instance = %lease.upstream.instance.name, "an upgraded connection broke off: {fault}");
    }
}
