//! The fleet of one environment: its clusters, its pinned releases, and what the last reading found. It plans and applies
//! nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_api::{CollectedImages, ServiceKey, ServiceSpec, ServiceStatus};
use diag::{Diagnostic, Diagnostics};
use engine::{Address, ClusterName, EnvironmentName, ProjectName};
use futures_util::future::join_all;
use oci::Layout;
use oci::registry::Registries;

use crate::agent_driver::{self, Cluster};
use crate::observation::{ClusterView, Observed};
use crate::tags::TagsAnew;
use crate::{Defaults, service_key};

/// What a fleet is made of.
#[derive(Debug, Clone)]
pub struct FleetOptions {
    /// The project.
    pub project: ProjectName,
    /// The environment.
    pub environment: EnvironmentName,
    /// Whether the environment is protected: caution counts more than speed.
    pub protected: bool,
    /// Its clusters.
    pub clusters: BTreeMap<ClusterName, Cluster>,
    /// Digests of images by name, as they are pinned.
    pub releases: BTreeMap<String, String>,
    /// The folder of the project's OCI layout; it need not exist.
    pub images: PathBuf,
    /// The names of images that the project builds.
    pub built: BTreeSet<String>,
    /// Who is asked for what the tags of registries stand for.
    pub registries: Arc<Registries>,
    /// Whose tags are asked for although they are pinned.
    pub tags_anew: TagsAnew,
}

/// The provider of services in one environment.
#[derive(Debug)]
pub struct Fleet {
    pub(crate) options: FleetOptions,
    pub(crate) defaults: Defaults,
    views: Mutex<BTreeMap<ClusterName, ClusterView>>,
    /// Digests that the layout or a cluster (named) has been seen to have.
    images: Mutex<BTreeSet<(Option<ClusterName>, String)>>,
    /// What tags stand for, asked once in each run; held while one is asked for, as all services may have the same.
    pub(crate) tags: tokio::sync::Mutex<BTreeMap<String, oci::Digest>>,
    /// What planning found in registries.
    found: Mutex<BTreeMap<String, String>>,
    /// What this run has brought into a cluster. One pull at a time: of a hundred services with one image the first brings
    /// it, and several at once would only share the disk.
    pulls: tokio::sync::Mutex<BTreeSet<(ClusterName, String)>>,
    /// A cluster that no reading has looked at is read once, and not once for each service.
    reading: tokio::sync::Mutex<()>,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fleet {
    /// The fleet of an environment. Nothing is opened yet.
    #[must_use]
    pub fn new(options: FleetOptions) -> Self {
        Self {
            defaults: Defaults::new(options.protected),
            options,
            views: Mutex::default(),
            images: Mutex::default(),
            tags: tokio::sync::Mutex::default(),
            found: Mutex::default(),
            pulls: tokio::sync::Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn found(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        held(&self.found)
    }

    pub(crate) fn note_release(&self, reference: &str, digest: &str) {
        self.found().insert(reference.to_owned(), digest.to_owned());
    }

    pub(crate) fn key(&self, address: &Address) -> ServiceKey {
        service_key(&self.options.project, &self.options.environment, address)
    }

    /// The cluster that a service instance is in.
    pub(crate) fn cluster(&self, address: &Address) -> Result<(&ClusterName, &Cluster), Box<Diagnostic>> {
        let known = || self.options.clusters.keys().map(ClusterName::as_str).collect::<Vec<_>>().join("`, `");
        let Some(name) = &address.cluster else {
            return Err(Diagnostic::error(
                "no-cluster",
                "a service is made in a cluster, and this one names none",
            )
            .about(address.to_string())
            .hint(format!("the environment's clusters are `{}`", known()))
            .into());
        };
        self.options.clusters.get_key_value(name).ok_or_else(|| {
            let message = format!("the environment `{}` has no cluster `{name}`", self.options.environment);
            let way_out = "put the cluster back until its services are gone";
            Diagnostic::error("unknown-cluster", message)
                .about(address.to_string())
                .hint(format!("{way_out}; the environment's clusters are `{}`", known()))
                .into()
        })
    }

    /// Reads clusters, each in one go. One fault for each that could not be.
    pub(crate) async fn observe(&self, names: BTreeSet<&ClusterName>) -> Result<(), Diagnostics> {
        let read = |name: &ClusterName| {
            let found = self.options.clusters.get_key_value(name);
            async move {
                let (name, cluster) = found?;
                Some((name, cluster.inventory(&self.options.project, &self.options.environment).await))
            }
        };
        let mut faults = Diagnostics::default();
        for (name, inventory) in join_all(names.into_iter().map(read)).await.into_iter().flatten() {
            match inventory {
                Ok(inventory) => {
                    held(&self.views).insert(name.clone(), ClusterView::of(inventory));
                }
                Err(error) => faults.push(agent_driver::fault(name, "list the services", &error)),
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// What the last reading found of a service; read now if no reading has looked at its cluster.
    pub(crate) async fn observed(
        &self,
        name: &ClusterName,
        address: &Address,
    ) -> Result<Option<Observed>, Diagnostics> {
        if !held(&self.views).contains_key(name) {
            let _reading = self.reading.lock().await;
            if !held(&self.views).contains_key(name) {
                self.observe(BTreeSet::from([name])).await?;
            }
        }
        Ok(self.seen(name, address))
    }

    /// What the last reading found of a service.
    pub(crate) fn seen(&self, name: &ClusterName, address: &Address) -> Option<Observed> {
        self.with_seen(name, address, |observed| observed.cloned())
    }

    /// Looks at what the last reading found of a service, without a copy.
    pub(crate) fn with_seen<T>(
        &self,
        name: &ClusterName,
        address: &Address,
        look: impl FnOnce(Option<&Observed>) -> T,
    ) -> T {
        look(held(&self.views).get(name).and_then(|view| view.get(&crate::service_name(address))))
    }

    /// Looks at everything that the last reading found in a cluster.
    pub(crate) fn with_view<T>(&self, name: &ClusterName, look: impl FnOnce(&ClusterView) -> T) -> Option<T> {
        held(&self.views).get(name).map(look)
    }

    /// Notes what the agent keeps of a service now.
    pub(crate) fn note(&self, name: &ClusterName, address: &Address, status: Option<ServiceStatus>) {
        if let Some(view) = held(&self.views).get_mut(name) {
            view.note(&crate::service_name(address), status);
        }
    }

    /// Notes what was published last of a service whose rollout did not come to its end.
    pub(crate) fn note_spec(&self, name: &ClusterName, address: &Address, spec: ServiceSpec) {
        let addresses = self.seen(name, address).map(|it| it.status.addresses).unwrap_or_default();
        self.note(name, address, Some(ServiceStatus { spec, addresses }));
    }

    /// Finds out where images are: in the layout, or else in which clusters. One request for each image and cluster.
    pub(crate) async fn find_images(&self, digests: BTreeSet<String>, clusters: &BTreeSet<&ClusterName>) {
        let root = self.options.images.clone();
        let asked = digests.clone();
        let in_layout = tokio::task::spawn_blocking(move || {
            let Ok(layout) = Layout::open(root) else { return BTreeSet::new() };
            asked.into_iter().filter(|it| it.parse().is_ok_and(|digest| layout.has_blob(&digest))).collect()
        });
        let in_layout: BTreeSet<String> = in_layout.await.unwrap_or_default();
        let asked = digests
            .difference(&in_layout)
            .flat_map(|digest| clusters.iter().map(move |name| (*name, digest)));
        let found = join_all(asked.map(|(name, digest)| async move {
            let cluster = self.options.clusters.get(name)?;
            // An agent that cannot be asked now fails the reading or the pull, with a better fault than this would give.
            let has = cluster.client().has_image(digest).await.unwrap_or(false);
            has.then(|| (Some(name.clone()), digest.clone()))
        }))
        .await;
        let mut images = held(&self.images);
        images.extend(found.into_iter().flatten());
        images.extend(in_layout.into_iter().map(|digest| (None, digest)));
    }

    /// Whether an image can be had in a cluster, as far as is known without asking it.
    pub(crate) fn has_image(&self, name: &ClusterName, digest: &str) -> bool {
        let mut images = held(&self.images);
        if images.contains(&(None, digest.to_owned()))
            || images.contains(&(Some(name.clone()), digest.to_owned()))
        {
            return true;
        }
        if held(&self.views).get(name).is_some_and(|view| view.runs_image(digest)) {
            return true;
        }
        // It may have been built since the reading; whoever plans ten thousand services looks once for each image.
        let found = Layout::open(&self.options.images)
            .is_ok_and(|layout| digest.parse().is_ok_and(|digest| layout.has_blob(&digest)));
        if found {
            images.insert((None, digest.to_owned()));
        }
        found
    }

    /// Removes images from a cluster that neither an instance there nor any environment needs; `needed` are those of this one.
    ///
    /// # Errors
    /// If the cluster does not answer, or refuses.
    pub async fn collect_images(
        &self,
        name: &ClusterName,
        needed: Vec<String>,
    ) -> Result<CollectedImages, Box<Diagnostic>> {
        let Some(cluster) = self.options.clusters.get(name) else { return Ok(CollectedImages::default()) };
        let whose = (self.options.project.as_str(), self.options.environment.as_str());
        let collected = cluster.collect_images(needed, whose).await;
        collected.map_err(|error| agent_driver::fault(name, "remove images", &error).into())
    }

    /// Brings an image into a cluster, once.
    pub(crate) async fn pull(
        &self,
        name: &ClusterName,
        cluster: &Cluster,
        digest: &str,
    ) -> Result<(), agent_driver::PullError> {
        let mut pulled = self.pulls.lock().await;
        let place = (name.clone(), digest.to_owned());
        if !pulled.contains(&place) {
            let whose = (self.options.project.as_str(), self.options.environment.as_str());
            cluster.pull(&self.options.images, digest, whose).await?;
            pulled.insert(place);
        }
        Ok(())
    }
}
