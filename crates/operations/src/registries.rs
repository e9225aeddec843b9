//! Images in registries: who is asked for them and with which credentials, pulled into the project's layout, pushed out of it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diag::Diagnostic;
use engine::{Action, ClusterName, Event, Events, Plan};
use fleet::Fleet;
use oci::registry::{
    Credentials, DockerConfig, Progress, Registries, RegistryError, RegistrySettings, Secret, Settings,
};
use oci::{Layout, Platform, Reference};

use crate::planning::Watch;
use crate::session::Description;
use crate::{Fault, Session, Wiring, images};

/// An image that was pushed.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PushedImage {
    /// Where it is now.
    pub reference: String,
    /// Its digest, there as here.
    pub digest: String,
    /// Blobs that were sent.
    pub blobs_sent: usize,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Blobs that the registry took over from another of its repositories.
    pub blobs_mounted: usize,
    /// Blobs that were there already.
    pub blobs_present: usize,
}

/// An image that was pulled.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PulledImage {
    /// What was asked for.
    pub reference: String,
    /// What it stands for.
    pub digest: String,
    /// Blobs that were fetched.
    pub blobs_received: usize,
    /// The bytes that came.
    pub bytes_received: u64,
}

/// The registries as the project's blocks and Docker's files describe them.
pub(crate) fn of_description(description: &Description, wiring: &Wiring) -> Arc<Registries> {
    let mut settings = Settings::default();
    for registry in &description.configuration.project.registries {
        let credentials = registry.username.as_deref().zip(registry.password_env.as_deref());
        let credentials = credentials.map(|(username, variable)| match wiring.variables.get(variable) {
            Some(password) if !password.is_empty() => {
                Credentials::Password { username: username.to_owned(), password: Secret::new(password) }
            }
            _ => Credentials::Unset { variable: variable.to_owned() },
        });
        let mirrors = registry.mirrors.iter().map(ToString::to_string).collect();
        let set = RegistrySettings { credentials, mirrors, plain_http: registry.plain_http };
        settings.registries.insert(registry.host.to_string(), set);
    }
    let folder = match (wiring.variables.get("DOCKER_CONFIG"), wiring.variables.get("HOME")) {
        (Some(folder), _) if !folder.is_empty() => Some(PathBuf::from(folder)),
        (_, Some(home)) => Some(PathBuf::from(home).join(".docker")),
        _ => None,
    };
    let docker = folder.map(|folder| DockerConfig::at(folder.join("config.json"))).unwrap_or_default();
    Arc::new(Registries::new(settings, docker))
}

/// Pulls an image into the project's images.
///
/// # Errors
/// If it is no reference, or cannot be had.
pub async fn pull_image(session: &Session, reference: &str, watch: &Watch) -> Result<PulledImage, Fault> {
    let parsed = parse(reference)?;
    let layout = create_layout(session)?;
    let pulled = pull(session, &parsed, &layout, Some(reference), watch).await?;
    Ok(PulledImage {
        reference: reference.to_owned(),
        digest: pulled.digest.to_string(),
        blobs_received: pulled.blobs_received,
        bytes_received: pulled.bytes_received,
    })
}

/// Pushes an image: the release of a name in the environment, the image of a name, or one by the beginning of its digest.
///
/// # Errors
/// If there is none, or the registry does not take it.
pub async fn push_image(
    session: &Session,
    name: &str,
    reference: &str,
    watch: &Watch,
) -> Result<PushedImage, Fault> {
    let parsed = parse(reference)?;
    let releases = session.store.releases(&session.environment).await?;
    let digest = match releases.get(name) {
        Some(release) => release.digest.clone(),
        None => images::of_name(session, name)?,
    };
    let digest: oci::Digest = digest.parse().map_err(|e: oci::Error| images::unreadable(session, &e))?;
    let layout = create_layout(session)?;
    watch.events.send(Event::Step { message: format!("pushing {name} to {reference}") });
    let progress = Told::new("pushing", reference, &watch.events);
    let pushed = session.registries(&session.description).push(&layout, &digest, &parsed, &progress).await;
    let pushed =
        pushed.map_err(|error| fault("image-not-pushed", "it could not be pushed", reference, &error))?;
    Ok(PushedImage {
        reference: reference.to_owned(),
        digest: pushed.digest.to_string(),
        blobs_sent: pushed.blobs_sent,
        bytes_sent: pushed.bytes_sent,
        blobs_mounted: pushed.blobs_mounted,
        blobs_present: pushed.blobs_present,
    })
}

/// Fetches the images of a plan that are in registries and neither here nor where they are to run. Afterwards nothing of the
/// deployment depends on a registry.
pub(crate) async fn fetch_images(
    session: &Session,
    fleet: &Fleet,
    plan: &Plan,
    watch: &Watch,
) -> Result<(), Fault> {
    let mut wanted: BTreeSet<(ClusterName, String)> = BTreeSet::new();
    for change in plan.changes.iter().filter(|it| matches!(it.action, Action::Create | Action::Update)) {
        let Some(cluster) = change.address.cluster.clone() else { continue };
        let image = change.after.as_ref().and_then(|after| after.0.get("image"));
        if let Some(image) =
            image.as_ref().and_then(value::Value::as_str).filter(|it| Reference::names_registry(it))
        {
            wanted.insert((cluster, image.to_owned()));
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    for image in fleet.absent(&wanted).await {
        let reference = parse(&image)?;
        // Named as the service has it, with the tag that its digest was found under.
        let name = image.split_once('@').map_or(image.as_str(), |(name, _)| name);
        pull(session, &reference, &create_layout(session)?, Some(name), watch).await?;
    }
    Ok(())
}

/// Pulls the base of an image. A registry that cannot be reached is no reason not to build where its image is here already.
pub(crate) async fn pull_base(
    session: &Session,
    reference: &Reference,
    text: &str,
    watch: &Watch,
) -> Result<oci::Digest, Fault> {
    let layout = create_layout(session)?;
    let progress = Told::new("pulling", text, &watch.events);
    let registries = session.registries(&session.description);
    match registries.pull(reference, &layout, &Platform::host(), Some(text), &progress).await {
        Ok(pulled) => Ok(pulled.digest),
        Err(error @ RegistryError::Connection { .. }) => {
            match layout.resolve(Some(text), &Platform::host()) {
                Ok(kept) => {
                    let message =
                        format!("{error}; the base {text} is taken as it was pulled last, {}", kept.digest);
                    watch.events.send(Event::Step { message });
                    Ok(kept.digest)
                }
                Err(_) => Err(fault("image-not-pulled", "the base could not be pulled", text, &error)),
            }
        }
        Err(error) => Err(fault("image-not-pulled", "the base could not be pulled", text, &error)),
    }
}

async fn pull(
    session: &Session,
    reference: &Reference,
    layout: &Layout,
    name: Option<&str>,
    watch: &Watch,
) -> Result<oci::registry::Pulled, Fault> {
    let whole = reference.to_string();
    // The digest is in the plan; here it would only hide how far it is.
    let text = whole.split_once('@').map_or(whole.as_str(), |(name, _)| name);
    watch.events.send(Event::Step { message: format!("pulling {whole}") });
    let progress = Told::new("pulling", text, &watch.events);
    let registries = session.registries(&session.description);
    let pulled = registries.pull(reference, layout, &Platform::host(), name, &progress).await;
    pulled.map_err(|error| fault("image-not-pulled", "it could not be pulled", &whole, &error))
}

fn create_layout(session: &Session) -> Result<Layout, Fault> {
    Layout::create(session.images_dir()).map_err(|e| images::unreadable(session, &e))
}

fn parse(reference: &str) -> Result<Reference, Fault> {
    reference.parse().map_err(|error: RegistryError| Fault::usage(error.to_string(), error.hint()))
}

fn fault(code: &'static str, what: &str, reference: &str, error: &RegistryError) -> Fault {
    Fault::failed(
        Diagnostic::error(code, what)
            .about(format!("image {reference}"))
            .because(diag::with_causes(error))
            .hint(error.hint()),
    )
}

/// Tells how far a transfer is, in steps that an eye can follow.
struct Told<'a> {
    doing: &'static str,
    image: &'a str,
    events: &'a Events,
    /// The last tenth that was told.
    tenth: AtomicU64,
}

impl<'a> Told<'a> {
    fn new(doing: &'static str, image: &'a str, events: &'a Events) -> Self {
        Self { doing, image, events, tenth: AtomicU64::new(0) }
    }

    fn say(&self, message: String) {
        self.events.send(Event::Step { message });
    }
}

impl Progress for Told<'_> {
    fn event(&self, event: oci::registry::Event) {
        let (doing, image) = (self.doing, self.image);
        match event {
            oci::registry::Event::Begun { wanted: 0, .. } => {}
            oci::registry::Event::Begun { present, wanted, bytes } => self.say(format!(
                "{doing} {image}: {wanted} of {} blobs, {}",
                present + wanted,
                megabytes(bytes)
            )),
            oci::registry::Event::Moved { bytes, total } => {
                let tenth = bytes.saturating_mul(10) / total.max(1);
                if self.tenth.fetch_max(tenth, Ordering::Relaxed) < tenth {
                    self.say(format!("{doing} {image}: {} of {}", megabytes(bytes), megabytes(total)));
                }
            }
            oci::registry::Event::Retrying { url, cause } => {
                self.say(format!("{doing} {image}: asking {url} again: {cause}"));
            }
            oci::registry::Event::MirrorFailed { mirror, cause } => {
                self.say(format!("{doing} {image}: not from {mirror}: {cause}"));
            }
        }
    }
}

fn megabytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let megabytes = bytes as f64 / 1e6;
    format!("{megabytes:.1} MB")
}
