//! Packages: from what a source names to a folder of files. Each package is fetched once, however many modules are in it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, Semaphore};
use url::Url;

use crate::error::{Error, Result};
use crate::fetch::checksum::blocking;
use crate::fetch::http::{Http, shown};
use crate::fetch::page::place_in_page;
use crate::fetch::{archive, checksum, git, links, tree};
use crate::lock::Pin;
use crate::settings::{Limits, Patience};
use crate::source::{HttpPackage, Package, RemoteSource, remote, without_password};

/// A page may name a page; more than these are a circle.
const HOPS_MAX: usize = 5;

/// A package on disk.
#[derive(Debug, Clone)]
pub(super) struct Fetched {
    /// Absolute, or from the process's folder.
    pub folder: PathBuf,
    /// The folder inside of the package that a server has named.
    pub inside: Option<String>,
    /// What it is; none of a folder of this machine, which is no package.
    pub pin: Option<Pin>,
}

pub(super) struct Packages {
    http: Arc<Http>,
    patience: Patience,
    limits: Limits,
    /// Only so many servers are asked at the same time.
    slots: Semaphore,
    known: Mutex<HashMap<String, Arc<OnceCell<Fetched>>>>,
}

impl Packages {
    pub fn new(http: Arc<Http>, patience: Patience, limits: Limits, parallel_max: usize) -> Self {
        Self { http, patience, limits, slots: Semaphore::new(parallel_max.max(1)), known: Mutex::default() }
    }

    /// The package of a name, fetched by `fetch` into a folder unless it has been fetched before; then it is a copy of that.
    pub async fn once(
        &self,
        name: &str,
        target: &Path,
        fetch: impl AsyncFnOnce(&Path) -> Result<Fetched>,
    ) -> Result<Fetched> {
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(name.to_owned()).or_default().clone()
        };
        let first = cell
            .get_or_try_init(async || {
                let _slot = self.slots.acquire().await.map_err(|e| Error::BrokenOff(e.to_string()))?;
                self.stage(target, fetch).await
            })
            .await?;
        if first.folder == target {
            return Ok(first.clone());
        }
        let copied = self.stage(target, async |folder: &Path| {
            let (from, to) = (first.folder.clone(), folder.to_owned());
            blocking(move || tree::copy(&from, &to).map_err(Error::io("copying", from))).await??;
            Ok(Fetched { folder: folder.to_owned(), ..first.clone() })
        });
        copied.await
    }

    /// Has a package made beside its place and puts it there: what was there before stays until then.
    async fn stage(
        &self,
        target: &Path,
        fetch: impl AsyncFnOnce(&Path) -> Result<Fetched>,
    ) -> Result<Fetched> {
        let parent = target.parent().unwrap_or(Path::new("."));
        let staging = tempfile::Builder::new().prefix(".staging-").tempdir_in(parent);
        let staging = staging.map_err(Error::io("making a folder in", parent))?;
        let fetched = fetch(&staging.path().join("package")).await?;
        let (from, to) = (fetched.folder.clone(), target.to_owned());
        blocking(move || {
            tree::remove(&to).map_err(Error::io("removing", &to))?;
            std::fs::rename(&from, &to).map_err(Error::io("making", &to))?;
            drop(staging);
            Ok::<_, Error>(())
        })
        .await??;
        Ok(Fetched { folder: target.to_owned(), ..fetched })
    }

    /// Fetches a package that a configuration names into a folder that does not exist.
    pub async fn fetch(&self, source: &RemoteSource, locked: Option<&Pin>, folder: &Path) -> Result<Fetched> {
        match &source.package {
            Package::Git(package) => {
                let commit = match locked {
                    Some(Pin::Commit(commit)) => Some(commit.as_str()),
                    Some(Pin::Digest(_)) | None => None,
                };
                let commit = git::fetch(package, commit, folder, self.patience.git).await?;
                self.check_links(folder).await?;
                Ok(Fetched { folder: folder.to_owned(), inside: None, pin: Some(Pin::Commit(commit)) })
            }
            Package::Http(package) => {
                let inside = self.http(package.clone(), folder).await?;
                self.digested(folder, inside).await
            }
            Package::File { path, archive: None, .. } => {
                let (path, link) = (path.clone(), folder.to_owned());
                blocking(move || {
                    std::fs::read_dir(&path).map_err(|e| Error::NoFolder(path.display().to_string(), e))?;
                    std::os::unix::fs::symlink(&path, &link).map_err(Error::io("making", &link))
                })
                .await??;
                Ok(Fetched { folder: folder.to_owned(), inside: None, pin: None })
            }
            Package::File { path, archive: Some(kind), checksum } => {
                let file = std::fs::File::open(path).map_err(Error::io("reading", path))?;
                let name = file_name(&path.to_string_lossy());
                if let Some(checksum) = checksum {
                    checksum::check(&self.http, &file, &name, checksum).await?;
                }
                self.unpack(file, *kind, name, folder).await?;
                Ok(Fetched { folder: folder.to_owned(), inside: None, pin: None })
            }
            Package::Unsupported { kind } => Err(Error::Unsupported { kind: kind.clone() }),
        }
    }

    /// Fetches the package whose place a server has named, relative to its own URL perhaps.
    pub async fn fetch_named(&self, place: &str, base: &Url, folder: &Path) -> Result<Fetched> {
        let source = named_by_server(place, base)?;
        let inside = match source.package {
            Package::Http(package) => self.http(package, folder).await?,
            Package::Git(package) => {
                git::fetch(&package, None, folder, self.patience.git).await?;
                self.check_links(folder).await?;
                None
            }
            Package::Unsupported { kind } => return Err(Error::Unsupported { kind }),
            Package::File { .. } => return Err(misled(place, base)),
        };
        self.digested(folder, join(inside, source.subfolder)).await
    }

    /// Where a git reference points now.
    pub async fn is_current(&self, source: &RemoteSource, commit: &str, folder: &Path) -> Result<bool> {
        let Package::Git(package) = &source.package else { return Ok(false) };
        let _slot = self.slots.acquire().await.map_err(|e| Error::BrokenOff(e.to_string()))?;
        Ok(git::current(package, folder, self.patience.git).await?.as_deref() == Some(commit))
    }

    async fn digested(&self, folder: &Path, inside: Option<String>) -> Result<Fetched> {
        let digest = digest(folder).await?;
        Ok(Fetched { folder: folder.to_owned(), inside, pin: Some(Pin::Digest(digest)) })
    }

    async fn check_links(&self, folder: &Path) -> Result<()> {
        let folder = folder.to_owned();
        blocking(move || links::check_all(&folder)).await?
    }

    async fn unpack(
        &self,
        file: std::fs::File,
        kind: crate::ArchiveKind,
        name: String,
        folder: &Path,
    ) -> Result<()> {
        let (folder, limits) = (folder.to_owned(), self.limits);
        blocking(move || {
            std::fs::create_dir_all(&folder).map_err(Error::io("making", &folder))?;
            archive::unpack(file, kind, &name, &folder, limits)
        })
        .await?
    }

    /// An archive, or the package that a page names; tells the folder inside of it that the page has named.
    async fn http(&self, mut package: HttpPackage, folder: &Path) -> Result<Option<String>> {
        let mut inside = None;
        for _ in 0..HOPS_MAX {
            if let Some(kind) = package.archive {
                let file = tempfile::tempfile().map_err(Error::io("making", std::env::temp_dir()))?;
                self.http.download(&package.url, &file).await?;
                let name = file_name(package.url.path());
                if let Some(checksum) = &package.checksum {
                    checksum::check(&self.http, &file, &name, checksum).await?;
                }
                self.unpack(file, kind, name, folder).await?;
                return Ok(inside);
            }
            let source = self.page(&package.url).await?;
            inside = join(source.subfolder, inside);
            match source.package {
                // What the configuration promises holds for what the page names.
                Package::Http(next) => {
                    package = HttpPackage { checksum: package.checksum.or(next.checksum.clone()), ..next };
                }
                Package::Git(git) => {
                    git::fetch(&git, None, folder, self.patience.git).await?;
                    self.check_links(folder).await?;
                    return Ok(inside);
                }
                Package::Unsupported { kind } => return Err(Error::Unsupported { kind }),
                Package::File { .. } => return Err(misled("file", &package.url)),
            }
        }
        let cause = format!("after {HOPS_MAX} pages there is still no package");
        Err(Error::Protocol { url: shown(&package.url), cause })
    }

    /// Asks a server where a package is.
    async fn page(&self, url: &Url) -> Result<RemoteSource> {
        let mut asked = url.clone();
        asked.query_pairs_mut().append_pair("terraform-get", "1");
        let answer = self.http.get(&asked, None).await?;
        if !answer.is_success() {
            return Err(answer.failure());
        }
        let place = match answer.header("x-terraform-get") {
            Some(place) => Some(place.to_owned()),
            None => place_in_page(&String::from_utf8_lossy(&answer.body)),
        };
        let strange =
            || answer.strange("neither X-Terraform-Get nor a `terraform-get` tag says where a package is");
        named_by_server(&place.ok_or_else(strange)?, &answer.url)
    }
}

/// The digest of a folder's files.
pub(super) async fn digest(folder: &Path) -> Result<String> {
    let folder = folder.to_owned();
    blocking(move || tree::digest(&folder).map_err(Error::io("reading", folder))).await?
}

/// What a server says may be relative to its URL, and must not lead to this machine's own files.
fn named_by_server(place: &str, base: &Url) -> Result<RemoteSource> {
    let is_relative = ["/", "./", "../"].iter().any(|start| place.starts_with(start));
    let text = if is_relative {
        // The `//` of a folder inside is not part of the URL.
        let (path, folder) = match place.get(1..).and_then(|rest| rest.find("//")) {
            Some(at) => place.split_at(at + 1),
            None => (place, ""),
        };
        let url = base.join(path).map_err(|_| misled(place, base))?;
        if folder.is_empty() { url.to_string() } else { format!("{url}{folder}") }
    } else {
        place.to_owned()
    };
    let answered = |source| Error::Answered { url: shown(base), found: without_password(place), source };
    let source = remote(&text).map_err(answered)?;
    let is_local = match &source.package {
        Package::File { .. } => true,
        Package::Git(git) => git.url.starts_with("file:"),
        // Neither may what came over HTTPS be followed by what anyone on the way could change.
        Package::Http(http) => base.scheme() == "https" && http.url.scheme() != "https",
        Package::Unsupported { .. } => false,
    };
    if is_local { Err(misled(place, base)) } else { Ok(source) }
}

fn misled(place: &str, base: &Url) -> Error {
    Error::Misled { url: shown(base), found: without_password(place) }
}

/// The outer folder, then the inner one.
pub(super) fn join(outer: Option<String>, inner: Option<String>) -> Option<String> {
    match (outer, inner) {
        (Some(outer), Some(inner)) => Some(format!("{outer}/{inner}")),
        (outer, inner) => outer.or(inner),
    }
}

fn file_name(path: &str) -> String {
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("archive").to_owned()
}
