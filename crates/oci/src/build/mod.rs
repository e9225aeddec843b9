//! Makes an image of files of this machine.
//!
//! Equal inputs give equal digests, on any machine: entries are sorted, times are fixed, owners come from the description,
//! modes from whether a file may be executed, compression has fixed parameters. It runs nothing in the image, keeps no
//! hard links and no extended attributes, and puts nothing into it that the description does not name.

mod base;
mod cache;
mod collect;
mod program;
pub(crate) mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use crate::layout::to_json;
use crate::{
    Descriptor, Digest, Error, ExposedPort, Image, ImageConfig, Layer, Layout, Manifest, MediaType, Platform,
    Result, RootFs, RunConfig, User,
};
use base::Tree;

/// What an image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSpec {
    /// What lies below.
    pub base: Base,
    /// What it runs on.
    pub platform: Platform,
    /// What is put over the base, the lowest first. One that changes seldom comes before one that changes often: each is
    /// built again only if its own inputs changed.
    pub layers: Vec<LayerSpec>,
    /// How the image is run.
    pub settings: Settings,
    /// The name that the image gets in the layout, if any.
    pub name: Option<String>,
}

/// What lies below the layers of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An image of an OCI layout, made by anybody.
    Layout {
        /// The layout's folder.
        path: PathBuf,
        /// Name or digest of the image. None: the layout's only one.
        reference: Option<String>,
    },
    /// The one image of an archive as `docker save` writes it.
    DockerArchive {
        /// The file.
        path: PathBuf,
    },
}

/// One layer of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerSpec {
    /// Files and folders.
    pub files: Vec<FileEntry>,
    /// Programs of this machine, absolute, that are put at their own path together with the interpreter and the shared
    /// libraries that they are linked to. What a program loads by itself while it runs is not known and not there.
    pub programs: Vec<PathBuf>,
}

/// A file, or a folder with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// The file or folder on this machine. If it is a symbolic link, what it leads to; links inside a folder stay links.
    pub source: PathBuf,
    /// Where it stands in the image; absolute. Parents that neither the base nor a lower layer has get mode 0755 and owner
    /// 0:0, and links of the base on the way are followed.
    pub destination: PathBuf,
    /// Permission bits of the file, or of all files in the folder. None: 0755 for a file that its owner may execute, 0644
    /// for others. Folders have 0755, unless the base has them with another mode.
    pub mode: Option<u32>,
    /// User and group id of all of it.
    pub owner: (u32, u32),
}

impl FileEntry {
    /// A file or folder of owner 0:0, with the modes that it would have in a fresh checkout.
    pub fn new(source: impl Into<PathBuf>, destination: impl Into<PathBuf>) -> Self {
        Self { source: source.into(), destination: destination.into(), mode: None, owner: (0, 0) }
    }
}

/// How an image is run. What is not set is the base's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Variables, over those of the base.
    pub env: BTreeMap<String, String>,
    /// The program and its first arguments. If it is set, the base's `cmd` is dropped.
    pub entrypoint: Option<Vec<String>>,
    /// Further arguments, or the program.
    pub cmd: Option<Vec<String>>,
    /// Where it starts; absolute.
    pub working_dir: Option<String>,
    /// Who it runs as.
    pub user: Option<User>,
    /// Ports that it listens on, beside those of the base.
    pub exposed_ports: Vec<ExposedPort>,
    /// Notes, over those of the base.
    pub labels: BTreeMap<String, String>,
    /// The signal that asks it to stop, such as `SIGTERM`.
    pub stop_signal: Option<String>,
}

/// What a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// The digest of its manifest.
    pub digest: Digest,
    /// Bytes of its configuration and its compressed layers, those of the base included.
    pub size: u64,
    /// Layers of the description that were taken from the cache because their inputs had not changed.
    pub layers_reused: usize,
    /// Layers of the description that were written.
    pub layers_written: usize,
}

/// Builds an image and puts it into a layout. Layers that were built before, from inputs of the same path, size, mode, inode
/// and times, are taken from the layout's `cache/`.
///
/// # Errors
/// [`Error::Source`] for a file that is missing or may not go into an image, [`Error::Program`] for a program whose
/// libraries cannot be found, [`Error::BadSpec`] for a description that contradicts itself, what [`Layout::resolve`] returns
/// for the base, or [`Error::Io`]. The layout then names no new image.
pub fn build(spec: &BuildSpec, layout: &Layout) -> Result<BuiltImage> {
    check(&spec.settings)?;
    // Blobs that no manifest needs yet must outlive this.
    let _writing = layout.writing()?;
    let base = base::take(&spec.base, &spec.platform, layout)?;
    let mut tree = match &base {
        Some(image) if !spec.layers.is_empty() => Tree::of_image(layout, image)?,
        _ => Tree::default(),
    };
    let mut layers: Vec<Layer> = base.iter().flat_map(Image::layers).collect();
    let (mut layers_reused, mut layers_written) = (0, 0);
    for layer in &spec.layers {
        let nodes = tree.place(collect::collect(layer, &spec.platform)?)?;
        let key = cache::key(&nodes);
        let built = match layout.cached_layer(&key) {
            Some(built) => {
                layers_reused += 1;
                built
            }
            None => {
                layers_written += 1;
                cache::wait_until_settled(&nodes);
                let built = write::layer(layout, &nodes)?;
                layout.cache_layer(&key, &built)?;
                built
            }
        };
        tree.add(&nodes);
        layers.push(built);
    }
    let config = to_json(&configure(spec, base.as_ref(), &layers))?;
    let config = Descriptor::new(MediaType::CONFIG, layout.put_bytes(&config)?, config.len() as u64);
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(MediaType::MANIFEST.into()),
        config,
        layers: layers.iter().map(|layer| layer.descriptor.clone()).collect(),
        annotations: BTreeMap::new(),
    };
    let digest = layout.put_manifest(&to_json(&manifest)?, spec.name.as_deref())?;
    let size = layout.image(&digest)?.size();
    Ok(BuiltImage { digest, size, layers_reused, layers_written })
}

fn check(settings: &Settings) -> Result<()> {
    let bad = |cause: String| Err(Error::BadSpec { cause });
    if let Some(name) = settings.env.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
        return bad(format!("{name:?} is not the name of a variable"));
    }
    match &settings.working_dir {
        Some(folder) if !folder.starts_with('/') => {
            bad(format!("the working directory {folder:?} is not absolute"))
        }
        _ => Ok(()),
    }
}

fn configure(spec: &BuildSpec, base: Option<&Image>, layers: &[Layer]) -> ImageConfig {
    let mut config = base.map_or_else(
        || ImageConfig {
            created: None,
            platform: spec.platform.clone(),
            config: RunConfig::default(),
            rootfs: RootFs { kind: "layers".into(), diff_ids: Vec::new() },
            history: Vec::new(),
            other: BTreeMap::new(),
        },
        |base| base.config.clone(),
    );
    config.created = None;
    // A history that does not have an entry for each layer is refused by some; a base without one goes on without.
    if base.is_none() || !config.history.is_empty() {
        config.history.extend(spec.layers.iter().map(|_| json!({ "created_by": "mainstay build" })));
    }
    config.rootfs.diff_ids = layers.iter().map(|layer| layer.diff_id).collect();
    let (run, settings) = (&mut config.config, &spec.settings);
    for (name, value) in &settings.env {
        let line = format!("{name}={value}");
        let same = |it: &&mut String| it.split_once('=').is_some_and(|(other, _)| other == name);
        match run.env.iter_mut().find(same) {
            Some(old) => *old = line,
            None => run.env.push(line),
        }
    }
    if let Some(entrypoint) = &settings.entrypoint {
        run.entrypoint.clone_from(entrypoint);
        run.cmd.clear();
    }
    if let Some(cmd) = &settings.cmd {
        run.cmd.clone_from(cmd);
    }
    if let Some(folder) = &settings.working_dir {
        run.working_dir.clone_from(folder);
    }
    if let Some(user) = settings.user {
        run.user = user.to_string();
    }
    run.exposed_ports.extend(settings.exposed_ports.iter().map(|port| (port.to_string(), json!({}))));
    run.labels.extend(settings.labels.clone());
    run.stop_signal = settings.stop_signal.clone().or(run.stop_signal.take());
    config
}
