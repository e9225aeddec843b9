//! Services as resources: the engine's provider. Reading asks each cluster once, planning asks nobody but registries for tags that
//! are not pinned, and applying is a rollout, which is carried out elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use diag::{Diagnostic, Diagnostics};
use engine::{
    Action, Address, ApplyFailure, ApplyRequest, Change, ChangeRequest, ClusterName, DifferenceKind, Events,
    PlannedChange, Provider, ReadRequest, ResourceKind,
};
use value::{Type, Value};

use crate::compare::{differences, same};
use crate::description::Footprint;
use crate::fleet::Fleet;
use crate::observation::{Observed, replicas};
use crate::record::{is_opaque, with_attributes};
use crate::room::{self, Room, Tenant};
use crate::{Run, ServiceDescription, releases};

#[async_trait]
impl Provider for Fleet {
    fn kinds(&self) -> Vec<ResourceKind> {
        vec![ResourceKind::new("service")]
    }

    async fn read(&self, requests: &[ReadRequest]) -> Result<Vec<Option<Value>>, Diagnostics> {
        let mut faults = Diagnostics::default();
        let mut clusters = BTreeSet::new();
        for request in requests {
            match self.cluster(&request.address) {
                Ok((name, _)) => {
                    clusters.insert(name);
                }
                Err(fault) => faults.push(*fault),
            }
        }
        if let Err(unread) = self.observe(clusters.clone()).await {
            faults.extend(unread);
        }
        if faults.has_errors() {
            return Err(faults);
        }
        let mut digests: BTreeSet<String> = self.options.releases.values().cloned().collect();
        for prior in requests.iter().filter_map(|request| request.prior.as_ref()) {
            let image = prior.get("image");
            if let Some(digest) = image.as_ref().and_then(Value::as_str).and_then(releases::digest_of)
                && !digests.contains(digest)
            {
                digests.insert(digest.to_owned());
            }
        }
        self.find_images(digests, &clusters).await;
        let live = |request: &ReadRequest| {
            let cluster = request.address.cluster.as_ref()?;
            self.with_seen(cluster, &request.address, |observed| observed?.live(request.prior.as_ref()))
        };
        Ok(requests.iter().map(live).collect())
    }

    async fn plan(&self, request: &ChangeRequest) -> Result<PlannedChange, Diagnostics> {
        let Some(described) = &request.described else {
            let there = request.written.is_some() || request.live.is_some();
            let action = if there { Action::Delete } else { Action::None };
            return Ok(PlannedChange { action, planned: None, differences: Vec::new(), reason: None });
        };
        let (cluster, _) = self.cluster(&request.address).map_err(|fault| *fault)?;
        let planned = self.resolve(&request.address, cluster, described).await.map_err(|fault| *fault)?;
        let (written, live) = (request.written.as_ref(), request.live.as_ref());
        let kept =
            live.filter(|live| written.is_some_and(|written| same(written, live)) && same(live, &planned));
        let open =
            || self.with_seen(cluster, &request.address, |it| it.is_some_and(|it| unfinished(it).is_some()));
        if let Some(live) = kept.filter(|_| !open()) {
            return Ok(unchanged(live, &planned));
        }
        self.check(&request.address, cluster, &planned)?;
        Ok(self.compared(request, cluster, planned))
    }

    async fn review(&self, changes: &[Change]) -> Diagnostics {
        let clusters: BTreeSet<&ClusterName> =
            changes.iter().filter_map(|change| change.address.cluster.as_ref()).collect();
        Diagnostics(clusters.into_iter().flat_map(|cluster| self.room(cluster, changes)).collect())
    }

    async fn apply(&self, request: &ApplyRequest, events: &Events) -> Result<Option<Value>, ApplyFailure> {
        self.roll(request, events).await
    }
}

/// Why a service is to be gone over although it is as described: what an interrupted deployment has left.
fn unfinished(observed: &Observed) -> Option<String> {
    match (observed.rolling(), observed.leftovers()) {
        (Some(deployment), _) => Some(format!("the deployment {deployment} did not finish it")),
        (None, 0) => None,
        (None, 1) => Some("1 instance is left over from an interrupted deployment".into()),
        (None, count) => Some(format!("{count} instances are left over from an interrupted deployment")),
    }
}

/// Nothing is to be done: what only the agent tells stays as it is.
fn unchanged(live: &Value, planned: &Value) -> PlannedChange {
    let computed = crate::record::COMPUTED.iter().filter_map(|name| Some((*name, live.get(name)?)));
    let planned = with_attributes(planned, computed);
    PlannedChange { action: Action::None, planned: Some(planned), differences: Vec::new(), reason: None }
}

impl Fleet {
    /// What of a plan does not fit into a cluster.
    fn room(&self, cluster: &ClusterName, changes: &[Change]) -> Diagnostics {
        let described = |value: &Value| Footprint::of(value, &self.defaults);
        let changed: BTreeMap<String, &Change> = changes
            .iter()
            .filter(|change| change.address.cluster.as_ref() == Some(cluster))
            .map(|change| (crate::service_name(&change.address), change))
            .collect();
        let mut tenants: Vec<Tenant> = changed
            .values()
            .map(|change| {
                let footprint = |value: &Option<engine::Sealed>| value.as_ref().map(|it| described(&it.0));
                // What scales only is not replaced.
                let only_scales = change.differences.iter().all(|it| it.path == "replicas");
                Tenant {
                    address: change.address.clone(),
                    before: footprint(&change.before),
                    after: footprint(&change.after),
                    is_replaced: change.action == Action::Update && !only_scales,
                }
            })
            .collect();
        let room = self.with_view(cluster, |view| {
            let unchanged = view.services().filter(|it| !changed.contains_key(&it.status.spec.key.service));
            tenants.extend(unchanged.filter_map(|observed| {
                let record = observed.record.as_ref()?;
                let footprint = record.reveal(None).map(|it| described(&it));
                let address = record.address.clone();
                Some(Tenant { address, before: footprint, after: footprint, is_replaced: false })
            }));
            let (project, environment) = (self.options.project.as_str(), self.options.environment.as_str());
            let info = view.info()?;
            Some(Room {
                cluster,
                capacity: info.capacity?,
                others: room::of_others(info, project, environment),
                protected: self.options.protected,
            })
        });
        // A machine that does not say what it has is asked for nothing.
        room.flatten().map(|room| room.check(&tenants)).unwrap_or_default()
    }

    /// The description with its image's digest.
    async fn resolve(
        &self,
        address: &Address,
        cluster: &ClusterName,
        described: &Value,
    ) -> Result<Value, Box<Diagnostic>> {
        let image = described.get("image").filter(|image| image.is_known() && !image.is_null());
        let Some(image) = image else { return Ok(described.clone()) };
        let Some(reference) = image.as_str() else { return Ok(described.clone()) };
        if let Some(found) = self.resolve_tag(address, reference).await? {
            return Ok(with_attributes(
                described,
                [("image", Value::string(found).with_marks(image.marks()))],
            ));
        }
        let pinned = releases::pinned(reference, &self.options.releases).map_err(|name| {
            Diagnostic::error("image-unpinned", format!("no release of the image `{name}` is pinned"))
                .about(address.to_string())
                .because(format!(
                    "the environment `{}` does not say which build of it runs",
                    self.options.environment
                ))
                .hint(format!(
                    "build it with `mainstay image build {name}`, or pin one with `mainstay deploy`"
                ))
        })?;
        if let Some(digest) = releases::digest_of(&pinned)
            && !self.has_image(cluster, digest)
            // One in a registry is fetched before anything is changed.
            && (!oci::Reference::names_registry(reference) || self.options.built.contains(reference))
        {
            return Err(Diagnostic::error("image-missing", format!("the image `{pinned}` cannot be had"))
                .about(address.to_string())
                .because(format!("neither the project's images nor the cluster {cluster} have it"))
                .hint(match reference.split_once('@').map_or(reference, |(name, _)| name) {
                    digest if digest.starts_with("sha256:") => {
                        "put it into the project's images first".into()
                    }
                    name => format!("build it again with `mainstay image build {name}`"),
                })
                .into());
        }
        Ok(with_attributes(described, [("image", Value::string(pinned).with_marks(image.marks()))]))
    }

    /// Refuses what cannot be made real, as far as it is known already.
    fn check(&self, address: &Address, cluster: &ClusterName, planned: &Value) -> Result<(), Diagnostics> {
        let core = crate::record::without_computed(planned);
        if !core.is_wholly_known() {
            return Ok(());
        }
        let fault = |message: String| Diagnostic::error("bad-service", message).about(address.to_string());
        let description = ServiceDescription::read(&core, &self.defaults)
            .map_err(|faults| Diagnostics(faults.into_iter().map(|it| fault(it.to_string())).collect()))?;
        let capable = self.options.clusters.get(cluster).is_none_or(|it| it.capabilities().host_programs);
        if matches!(description.run, Run::Program { .. }) && !capable {
            let message =
                format!("the cluster {cluster} runs images only, and this is a program of the host");
            return Err(fault(message)
                .hint("put it into an image, or leave the cluster out of `clusters`")
                .into());
        }
        Ok(())
    }

    fn compared(&self, request: &ChangeRequest, cluster: &ClusterName, planned: Value) -> PlannedChange {
        let (written, live) = (request.written.as_ref(), request.live.as_ref());
        let observed = self.seen(cluster, &request.address);
        let whose = |place: &str| whose(place, observed.as_ref(), written);
        let differences = differences(written, live, &planned, &whose);
        let foreign = differences.iter().any(|it| it.kind == DifferenceKind::Foreign);
        let wrote = observed.as_ref().and_then(|it| it.record.as_ref()).map(|it| it.revision.to_string());
        let by =
            wrote.map_or_else(|| "somebody else".into(), |revision| format!("the deployment {revision}"));
        let (action, reason) = match (written, live) {
            (None, None) => (Action::Create, None),
            (Some(_), None) => (Action::Create, Some("it is gone from the cluster".into())),
            (None, Some(_)) => (
                Action::Create,
                Some(format!("it is there already, written by {by}, and will be taken over")),
            ),
            (Some(_), Some(_)) if foreign => {
                (Action::Update, Some(format!("it was written by {by} meanwhile")))
            }
            (Some(written), Some(live)) => {
                let open = observed.as_ref().and_then(unfinished);
                let changed =
                    !differences.is_empty() || open.is_some() || is_opaque(written) || is_opaque(live);
                (if changed { Action::Update } else { Action::None }, open)
            }
        };
        let computed =
            live.filter(|_| action != Action::Create).and_then(|live| kept_addresses(live, &planned));
        let [address, addresses] = computed
            .unwrap_or_else(|| [Value::unknown(Type::String), Value::unknown(Type::map(Type::String))]);
        let planned = with_attributes(&planned, [("address", address), ("addresses", addresses)]);
        PlannedChange { action, planned: Some(planned), differences, reason }
    }
}

/// Whose a deviation of what is live from what was written is. An instance that died is drift; every other attribute is only
/// as somebody wrote it.
fn whose(place: &str, observed: Option<&Observed>, written: Option<&Value>) -> DifferenceKind {
    let rolling = observed.is_some_and(|it| it.rolling().is_some());
    let recorded = || observed.and_then(|it| replicas(&it.record.as_ref()?.reveal(written)?));
    if rolling || (place == "replicas" && recorded() == written.and_then(replicas)) {
        DifferenceKind::Drift
    } else {
        DifferenceKind::Foreign
    }
}

/// The addresses that stay: they belong to the ports' names, and live as long as those.
fn kept_addresses(live: &Value, planned: &Value) -> Option<[Value; 2]> {
    let names = |value: &Value| -> Option<Vec<String>> {
        let ports = value.get("port")?;
        if ports.is_null() {
            return Some(Vec::new());
        }
        Some(ports.as_entries()?.keys().map(ToString::to_string).collect())
    };
    (names(live)? == names(planned)?).then_some([live.get("address")?, live.get("addresses")?])
}
