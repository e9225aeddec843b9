//! Images: built as their blocks say, listed, pruned.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use diag::{Diagnostic, closest};
use engine::{EnvironmentName, Event, Release};
use oci::{Base, BuildSpec, FileEntry, LayerSpec, Layout, Platform, Settings};
use value::Value;

use crate::debian::{self, DebianRoot};
use crate::planning::Watch;
use crate::scope::ValueScope;
use crate::{Fault, Session, clock, registries};

/// An image that was built, or found unchanged.
#[derive(Debug, Clone, serde::Serialize)]
pub struct BuiltImage {
    /// Its name.
    pub name: String,
    /// Digest of its manifest.
    pub digest: String,
    /// Size of its layers, compressed.
    pub size_bytes: u64,
    /// Whether anything had to be written.
    pub changed: bool,
}

/// An image of the project.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ImageRow {
    /// Its name.
    pub name: String,
    /// Digest of its manifest.
    pub digest: String,
    /// Size of its layers, compressed.
    pub size_bytes: u64,
    /// Environments in which it is the name's release.
    pub pinned_in: Vec<String>,
}

/// What pruning removed.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Pruned {
    /// How many images.
    pub images: usize,
    /// How much was freed.
    pub bytes: u64,
    /// What the agents of the environments removed.
    pub clusters: Vec<PrunedCluster>,
}

/// What pruning removed from a cluster.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PrunedCluster {
    /// The environment.
    pub environment: String,
    /// The cluster.
    pub cluster: String,
    /// How many images.
    pub images: u64,
    /// How much was freed, without unpacked layers.
    pub bytes: u64,
    /// Why it was not pruned.
    pub fault: Option<String>,
}

/// Builds images as their blocks say; none named: all. With `refresh`, Debian is asked for newer packages of the bases.
///
/// # Errors
/// If one is not declared, or cannot be built: nothing of it is kept then.
pub async fn build_images(
    session: &Session,
    names: &[String],
    refresh: bool,
    watch: &Watch,
) -> Result<Vec<BuiltImage>, Fault> {
    let description = &session.description;
    let declared: Vec<&str> = description.configuration.images.iter().map(|i| i.name.name.as_ref()).collect();
    if let Some(unknown) = names.iter().find(|n| !declared.contains(&n.as_str())) {
        let hint = match closest(unknown, declared.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if declared.is_empty() => "the project declares no image".to_owned(),
            None => format!("there are {}", declared.join(", ")),
        };
        return Err(Fault::usage(format!("there is no image `{unknown}`"), hint));
    }
    let mut built = Vec::new();
    let mut commands_run: BTreeSet<Vec<String>> = BTreeSet::new();
    for image in &description.configuration.images {
        let name = image.name.name.to_string();
        if !names.is_empty() && !names.contains(&name) {
            continue;
        }
        let described = described(session, image)?;
        // Several images of one program share its compilation.
        if let Some(command) = &described.command
            && commands_run.insert(command.clone())
        {
            watch
                .events
                .send(Event::Step { message: format!("image {name}: running {}", command.join(" ")) });
            run_build(&session.root, &name, command).await?;
        }
        watch.events.send(Event::Step { message: format!("image {name}: building") });
        let (mut spec, dir) = (described.spec, session.images_dir());
        if let Some(reference) = &described.base {
            let parsed = reference
                .parse()
                .map_err(|e: oci::registry::RegistryError| not_built(&name, &diag::with_causes(&e)))?;
            let digest = registries::pull_base(session, &parsed, reference, watch).await?;
            spec.base = Base::Layout { path: dir.clone(), reference: Some(digest.to_string()) };
        }
        if let Some(root) = &described.debian {
            let digest = debian::base(&dir, &name, root, refresh, watch).await?;
            spec.base = Base::Layout { path: dir.clone(), reference: Some(digest.to_string()) };
        }
        let done = tokio::task::spawn_blocking(move || {
            Layout::create(dir).and_then(|layout| oci::build(&spec, &layout))
        })
        .await
        .map_err(|e| not_built(&name, &e.to_string()))?
        .map_err(|e| not_built(&name, &diag::with_causes(&e)))?;
        built.push(BuiltImage {
            name,
            digest: done.digest.to_string(),
            size_bytes: done.size,
            changed: done.layers_written > 0,
        });
    }
    Ok(built)
}

/// Pins images that were built as their names' releases.
///
/// # Errors
/// If the ledger cannot be written.
pub async fn pin_images(session: &Session, built: &[BuiltImage]) -> Result<(), Fault> {
    let mut pins = session.store.releases(&session.environment).await?;
    pins.extend(releases(built, clock::now_ms()));
    Ok(session.store.put_releases(&session.environment, &pins).await?)
}

pub(crate) fn releases(built: &[BuiltImage], now_ms: u64) -> BTreeMap<String, Release> {
    let release = |b: &BuiltImage| Release { digest: b.digest.clone(), version: None, created_at_ms: now_ms };
    built.iter().map(|b| (b.name.clone(), release(b))).collect()
}

/// Everything that a block says, ready to be built.
struct Described {
    command: Option<Vec<String>>,
    /// The base, where that is in a registry and has to be pulled first.
    base: Option<String>,
    /// The root of Debian that is the base, which has to be made first.
    debian: Option<DebianRoot>,
    spec: BuildSpec,
}

fn described(session: &Session, image: &lang::Image) -> Result<Described, Fault> {
    let description = &session.description;
    let (scope, mut faults) = ValueScope::new(description, &session.environment);
    let decoded = image.decode(&scope);
    faults.extend(decoded.diagnostics);
    let v = &decoded.value;
    if !faults.has_errors() && !v.is_wholly_known() {
        faults.push(
            Diagnostic::error("unknown-image", "the image depends on what only an apply tells")
                .at(image.header)
                .hint("an image may refer to variables and to locals that need no service"),
        );
    }
    let layers = layers(session, v);
    let settings = settings(v).map_err(|e| Diagnostic::error("invalid-value", e).at(image.header));
    let base = text(v, "base").unwrap_or_default();
    let debian = v.get("debian").filter(|it| it.is_known() && !it.is_null()).map(|it| DebianRoot {
        suite: text(&it, "suite").unwrap_or_default(),
        packages: list(&it, "packages").unwrap_or_default(),
        mirror: text(&it, "mirror"),
    });
    if let Some(root) = &debian {
        if base != "scratch" {
            let fault = Diagnostic::error("conflicting-attributes", "`base` and `debian` exclude each other");
            faults.push(fault.at(image.header).hint("keep one of them"));
        }
        if let Err((wrong, hint)) = root.check() {
            faults.push(Diagnostic::error("invalid-value", wrong).at(image.header).hint(hint));
        }
    }
    match (settings, faults.has_errors()) {
        (Ok(settings), false) => Ok(Described {
            command: list(v, "build"),
            // A folder of the project may have a name like a registry's.
            base: Some(base.clone())
                .filter(|it| oci::Reference::names_registry(it) && !session.root.join(it).exists()),
            debian,
            spec: BuildSpec {
                base: local_base(session, &base),
                platform: Platform::host(),
                layers,
                settings,
                name: Some(image.name.name.to_string()),
            },
        }),
        (settings, _) => {
            faults.extend(settings.err());
            Err(description.fault(faults))
        }
    }
}

/// Programs with their libraries first: they change least, and their layer is reused.
fn layers(session: &Session, image: &Value) -> Vec<LayerSpec> {
    let programs: Vec<PathBuf> =
        list(image, "programs").unwrap_or_default().into_iter().map(PathBuf::from).collect();
    let files = image.get("file");
    let files = files.as_ref().and_then(Value::as_slice).unwrap_or_default().iter().map(|file| {
        let mut entry = FileEntry::new(
            session.root.join(text(file, "source").unwrap_or_default()),
            text(file, "destination").unwrap_or_default(),
        );
        entry.mode = text(file, "mode").and_then(|m| u32::from_str_radix(&m, 8).ok());
        if let Some(owner) = text(file, "owner") {
            let (uid, gid) = owner.split_once(':').unwrap_or((&owner, &owner));
            entry.owner = (uid.parse().unwrap_or(0), gid.parse().unwrap_or(0));
        }
        entry
    });
    let files: Vec<FileEntry> = files.collect();
    let mut layers = Vec::new();
    if !programs.is_empty() {
        layers.push(LayerSpec { files: Vec::new(), programs });
    }
    if !files.is_empty() {
        layers.push(LayerSpec { files, programs: Vec::new() });
    }
    layers
}

fn settings(image: &Value) -> Result<Settings, String> {
    Ok(Settings {
        env: entries(image, "env"),
        entrypoint: list(image, "entrypoint"),
        cmd: list(image, "command"),
        working_dir: text(image, "working_dir"),
        user: text(image, "user").map(|u| u.parse()).transpose().map_err(|e: oci::Error| e.to_string())?,
        labels: entries(image, "labels"),
        stop_signal: text(image, "stop_signal"),
        ..Settings::default()
    })
}

fn local_base(session: &Session, text: &str) -> Base {
    match text {
        "scratch" => Base::Scratch,
        path => match session.root.join(path) {
            file if file.is_file() => Base::DockerArchive { path: file },
            path => Base::Layout { path, reference: None },
        },
    }
}

fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

fn list(object: &Value, name: &str) -> Option<Vec<String>> {
    let value = object.get(name)?;
    Some(value.as_slice()?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn entries(object: &Value, name: &str) -> BTreeMap<String, String> {
    let value = object.get(name);
    let entries = value.as_ref().and_then(Value::as_entries).into_iter().flatten();
    entries.filter_map(|(k, v)| Some((k.to_string(), v.as_str()?.to_owned()))).collect()
}

/// Runs an image's build command in the project's folder; its output is shown where it fails.
async fn run_build(root: &Path, image: &str, command: &[String]) -> Result<(), Fault> {
    let (program, arguments) = command.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
    // `./build` is meant from the project's folder, not from where the command was given.
    let program = if program.contains('/') { root.join(program) } else { PathBuf::from(program) };
    let output = tokio::process::Command::new(&program)
        .args(arguments)
        .current_dir(root)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|e| not_built(image, &format!("`{}` could not be started: {e}", program.display())))?;
    if output.status.success() {
        return Ok(());
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n");
    Err(not_built(image, &format!("`{}` ended with {}\n{end}", command.join(" "), output.status)))
}

pub(crate) fn not_built(image: &str, why: &str) -> Fault {
    Fault::failed(
        Diagnostic::error("image-not-built", "it could not be built")
            .about(format!("image {image}"))
            .because(why)
            .hint("nothing that runs was changed; mend this and run it again"),
    )
}

/// The images that were built here, with the environments in which they are pinned.
///
/// # Errors
/// If they cannot be read.
pub async fn list_images(session: &Session) -> Result<Vec<ImageRow>, Fault> {
    let mut pinned: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for environment in &session.description.configuration.environments {
        let name = environment.name.to_string();
        for release in session.store.releases(&EnvironmentName::new(name.as_str())).await?.into_values() {
            pinned.entry(release.digest).or_default().push(name.clone());
        }
    }
    let Some(layout) = layout(session)? else { return Ok(Vec::new()) };
    let images = layout.list().map_err(|e| unreadable(session, &e))?;
    Ok(images
        .into_iter()
        .map(|i| {
            let digest = i.digest.to_string();
            ImageRow {
                name: i.name.unwrap_or_default(),
                pinned_in: pinned.get(&digest).cloned().unwrap_or_default(),
                size_bytes: i.size,
                digest,
            }
        })
        .collect())
}

/// The digest of the image of a name, or of one whose digest begins so.
pub(crate) fn of_name(session: &Session, name: &str) -> Result<String, Fault> {
    let listed = match layout(session)? {
        Some(layout) => layout.list().map_err(|e| unreadable(session, &e))?,
        None => Vec::new(),
    };
    match listed.iter().find(|image| image.name.as_deref() == Some(name)) {
        Some(image) => Ok(image.digest.to_string()),
        None => find(session, name),
    }
}

/// The full digest of an image here whose digest begins so.
pub(crate) fn find(session: &Session, beginning: &str) -> Result<String, Fault> {
    let wanted = beginning.strip_prefix("sha256:").unwrap_or(beginning);
    let not_found = |message: String| {
        Fault::usage(message, "`mainstay image list` and `mainstay history --json` name the releases")
    };
    if wanted.len() < 6 || !wanted.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(not_found(format!(
            "`{beginning}` is not the digest of a release, nor 6 or more digits of one"
        )));
    }
    // Releases that a newer build of the same name has replaced are blobs still, until they are pruned.
    let blobs = session.images_dir().join("blobs/sha256");
    let names = std::fs::read_dir(&blobs)
        .into_iter()
        .flatten()
        .filter_map(|e| e.ok()?.file_name().into_string().ok());
    let layout = layout(session)?;
    let is_image = |name: &String| {
        let digest = format!("sha256:{name}").parse().ok();
        layout.as_ref().zip(digest).is_some_and(|(l, d)| l.image(&d).is_ok())
    };
    let found: Vec<String> = names.filter(|n| n.starts_with(wanted)).filter(is_image).collect();
    match found.as_slice() {
        [one] => Ok(format!("sha256:{one}")),
        [] => Err(not_found(format!("there is no release `{beginning}` here"))),
        _ => Err(not_found(format!("several releases begin with `{beginning}`"))),
    }
}

/// Removes what neither an environment's releases, nor the history, nor the next build needs.
///
/// # Errors
/// If the ledger cannot be read or the images cannot be removed.
pub async fn prune_images(session: &Session) -> Result<Pruned, Fault> {
    const HISTORY: u32 = 1_000;
    let mut needed = BTreeSet::new();
    let mut clusters = Vec::new();
    for environment in &session.description.configuration.environments {
        let name = EnvironmentName::new(environment.name.to_string());
        let mut all_needed = std::mem::take(&mut needed);
        needed.extend(session.store.releases(&name).await?.into_values().map(|r| r.digest));
        for deployment in session.store.deployments(&name, HISTORY).await? {
            let Some(id) = deployment.revision else { continue };
            if let Some(revision) = session.store.revision(&name, id.as_str()).await? {
                needed.extend(revision.releases.into_values().map(|r| r.digest));
            }
        }
        clusters.extend(prune_clusters(session, &name, &needed).await);
        all_needed.append(&mut needed);
        needed = all_needed;
    }
    let Some(layout) = layout(session)? else { return Ok(Pruned { images: 0, bytes: 0, clusters }) };
    let failed = |e: oci::Error| unreadable(session, &e);
    let mut images = 0;
    let bases = bases(session);
    for image in layout.list().map_err(failed)? {
        let is_base = image.name.as_ref().is_some_and(|name| bases.contains(name));
        if !is_base && !needed.contains(&image.digest.to_string()) {
            images += usize::from(
                layout.remove(image.name.as_deref().unwrap_or(&image.digest.to_string())).map_err(failed)?,
            );
        }
    }
    let roots: Vec<oci::Digest> = needed.iter().filter_map(|d| d.parse().ok()).collect();
    let collected =
        tokio::task::block_in_place(|| layout.collect_garbage(roots, std::time::SystemTime::now()))
            .map_err(failed)?;
    Ok(Pruned { images, bytes: collected.bytes, clusters })
}

/// Has the agents of an environment remove what nobody needs. One that does not run is no fault: it is asked the next time.
async fn prune_clusters(
    session: &Session,
    environment: &EnvironmentName,
    needed: &BTreeSet<String>,
) -> Vec<PrunedCluster> {
    let (fleet, names) = session.fleet_in(environment);
    let mut pruned = Vec::new();
    for cluster in names {
        let collected = fleet.collect_images(&cluster, needed.iter().cloned().collect()).await;
        let (found, fault) = match collected {
            Ok(found) => (found, None),
            Err(fault) => (agent_api::CollectedImages::default(), Some(fault.to_string())),
        };
        pruned.push(PrunedCluster {
            environment: environment.to_string(),
            cluster: cluster.to_string(),
            images: found.images,
            bytes: found.bytes,
            fault,
        });
    }
    pruned
}

/// The names of the images that those of the project are built on. They cost more to have again than they take.
fn bases(session: &Session) -> BTreeSet<String> {
    let images = session.description.configuration.images.iter();
    let described = images.filter_map(|image| described(session, image).ok());
    described.flat_map(|it| [it.base, it.debian.map(|root| root.name())]).flatten().collect()
}

/// The project's images; `None` before the first was built.
fn layout(session: &Session) -> Result<Option<Layout>, Fault> {
    let dir = session.images_dir();
    if !dir.exists() {
        return Ok(None);
    }
    Layout::open(&dir).map(Some).map_err(|e| unreadable(session, &e))
}

pub(crate) fn unreadable(session: &Session, error: &oci::Error) -> Fault {
    Fault::failed(
        Diagnostic::error("images", "the project's images cannot be read or changed")
            .about(session.images_dir().display().to_string())
            .because(diag::with_causes(error)),
    )
}
