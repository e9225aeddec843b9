//! Images that nobody needs any more: their blobs and unpacked layers are removed when a client asks for it.
//!
//! What is needed is what any instance has, running, warm or over, and what the environments have said that they need. An
//! environment's word counts until it says otherwise: nothing is forgotten by time, and a list that cannot be read keeps
//! everything. Blobs that came within the last hour stay, since their image may be about to be put.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use agent_api::{CollectedImages, KeptImages, Sandbox};
use oci::{Digest, Layout, prune_layers};

use crate::Agent;
use crate::error::Refused;
use crate::images::WHOLE;
use crate::record::{read_json, write_json};

/// How long the blobs of an image may take to come.
const NEW: Duration = Duration::from_secs(60 * 60);

/// Notes what an environment needs.
pub(crate) fn keep(
    agent: &Agent,
    project: &str,
    environment: &str,
    kept: &KeptImages,
) -> Result<(), Refused> {
    let failed = |fault: io::Error| Refused::failed("what is needed could not be noted", &fault);
    let _order = agent.keeping_images.lock().unwrap_or_else(PoisonError::into_inner);
    let path = agent.dir.kept_images(project, environment);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let before: BTreeSet<Digest> = read_json(&path).map_err(failed)?.unwrap_or_default();
    let mut after = if kept.is_all { BTreeSet::new() } else { before.clone() };
    for image in &kept.images {
        after.insert(crate::admission::digest(image)?);
    }
    if after != before {
        write_json(&path, &after).map_err(failed)?;
    }
    Ok(())
}

/// Removes what nobody needs. Whoever calls it holds the images' gate, so that no instance is being started and no image put.
pub(crate) fn collect(agent: &Agent) -> Result<CollectedImages, Refused> {
    let unreadable = |fault: io::Error| {
        Refused::failed("what environments need cannot be read, so that nothing is removed", &fault)
    };
    let mut needed = BTreeSet::new();
    for path in lists(&agent.dir.kept()).map_err(unreadable)? {
        needed.extend(read_json::<BTreeSet<Digest>>(&path).map_err(unreadable)?.unwrap_or_default());
    }
    needed.extend(agent.instances.read_all(|entries| {
        let image = |sandbox: &Sandbox| match sandbox {
            Sandbox::Container { image } => image.parse::<Digest>().ok(),
            Sandbox::Process { .. } => None,
        };
        entries.values().filter_map(|entry| image(&entry.kept.spec.sandbox)).collect::<Vec<_>>()
    }));
    let failed =
        |fault: oci::Error| Refused::failed("images could not be removed", &diag::with_causes(&fault));
    let (images, bytes) = blobs(&agent.layout, &needed).map_err(failed)?;
    let layers = layers(&agent.layout, &agent.dir.layers(), &needed).map_err(failed)?;
    Ok(CollectedImages { images, layers, bytes })
}

fn blobs(layout: &Layout, needed: &BTreeSet<Digest>) -> oci::Result<(u64, u64)> {
    let mut images = 0;
    for image in layout.list()?.into_iter().filter(|image| !needed.contains(&image.digest)) {
        images += u64::from(layout.remove(&image.digest.to_string())?);
    }
    let before = SystemTime::now().checked_sub(NEW).unwrap_or(SystemTime::UNIX_EPOCH);
    Ok((images, layout.collect_garbage(needed.iter().copied(), before)?.bytes))
}

fn layers(layout: &Layout, folder: &Path, needed: &BTreeSet<Digest>) -> oci::Result<u64> {
    let mut kept = BTreeSet::new();
    // One that was never put has no layers here.
    for image in needed.iter().filter(|digest| layout.has_blob(digest)) {
        kept.extend(layout.image(image)?.layers().map(|layer| layer.diff_id));
    }
    let mut removed = prune_layers(folder, &kept)? as u64;
    let io = |source: io::Error| oci::Error::Io { action: "remove", path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(io)?.filter_map(io::Result::ok) {
        let name = entry.file_name();
        let whole = name.to_str().and_then(|it| format!("sha256:{}", it.strip_prefix(WHOLE)?).parse().ok());
        if whole.is_some_and(|image| !needed.contains(&image)) {
            fs::remove_dir_all(entry.path()).map_err(io)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// The lists of all environments: `PROJECT/ENVIRONMENT.json`.
fn lists(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = |folder: &Path| match fs::read_dir(folder) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other?.map(|entry| entry.map(|it| it.path())).collect::<io::Result<Vec<_>>>(),
    };
    let mut lists = Vec::new();
    for project in entries(folder)? {
        lists.extend(
            entries(&project)?.into_iter().filter(|it| it.extension().is_some_and(|it| it == "json")),
        );
    }
    Ok(lists)
}
