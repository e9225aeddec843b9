//! Asking providers what is live: every provider once, for all of its resources.

use std::collections::HashMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use futures_util::future::join_all;
use value::Value;

use crate::{Address, Event, Events, Provider, Providers, ReadRequest, ResourceKind};

/// Providers by the kinds that they make.
pub(crate) fn by_kind(providers: &Providers) -> HashMap<ResourceKind, Arc<dyn Provider>> {
    providers
        .iter()
        .flat_map(|provider| provider.kinds().into_iter().map(|kind| (kind, provider.clone())))
        .collect()
}

/// The fault of a resource that nothing makes.
pub(crate) fn no_provider(address: &Address) -> Diagnostic {
    Diagnostic::error("no-provider", format!("nothing here makes resources of the kind `{}`", address.kind))
        .about(address.to_string())
        .hint("the state is of a program that knows this kind: use that one")
}

/// What is live, by address; `None` where there is nothing.
pub(crate) async fn read(
    providers: &Providers,
    requests: Vec<ReadRequest>,
    events: &Events,
) -> Result<HashMap<Address, Option<Value>>, Diagnostics> {
    if requests.is_empty() {
        return Ok(HashMap::new());
    }
    let plural = if requests.len() == 1 { "" } else { "s" };
    events.send(Event::Step { message: format!("reading {} resource{plural}", requests.len()) });
    let makers: HashMap<ResourceKind, usize> = providers
        .iter()
        .enumerate()
        .flat_map(|(at, provider)| provider.kinds().into_iter().map(move |kind| (kind, at)))
        .collect();
    let mut faults = Diagnostics::default();
    let mut by_maker: Vec<Vec<ReadRequest>> = vec![Vec::new(); providers.len()];
    for request in requests {
        match makers.get(&request.address.kind) {
            Some(maker) => by_maker[*maker].push(request),
            None => faults.push(no_provider(&request.address)),
        }
    }
    let asked = providers.iter().zip(&by_maker).filter(|(_, requests)| !requests.is_empty());
    let answers =
        join_all(asked.map(async |(provider, requests)| (provider.read(requests).await, requests))).await;
    let mut live = HashMap::new();
    for (answer, requests) in answers {
        match answer {
            Err(found) => faults.extend(found),
            Ok(values) if values.len() != requests.len() => faults.push(Diagnostic::error(
                "provider-fault",
                format!(
                    "a provider was asked for {} resources and answered {}",
                    requests.len(),
                    values.len()
                ),
            )),
            Ok(values) => {
                live.extend(requests.iter().map(|request| request.address.clone()).zip(values));
            }
        }
    }
    if faults.has_errors() { Err(faults) } else { Ok(live) }
}
