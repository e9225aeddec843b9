//! Roots of Debian as bases of images, made with `mmdebstrap`: once for what is asked for, and again where it is asked for anew and
//! there are newer versions. Packages and their signatures are apt's business.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use engine::Event;
use oci::{Layout, Platform};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::Fault;
use crate::images::not_built;
use crate::planning::Watch;

/// The label that says what is in a root: `NAME=VERSION`, with blanks between.
const LABEL: &str = "mainstay.debian.packages";
const PROGRAM: &str = "mmdebstrap";

/// A root as an image's block describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DebianRoot {
    /// The release of Debian.
    pub suite: String,
    /// Packages besides the essential ones.
    pub packages: Vec<String>,
    /// Where they come from; none: Debian's own.
    pub mirror: Option<String>,
}

impl DebianRoot {
    /// What is wrong with it, and the way out: nothing may be taken for something else by the program that makes it.
    pub fn check(&self) -> Result<(), (String, &'static str)> {
        let is_word = |text: &str, more: &[u8]| {
            text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
        };
        if !is_word(&self.suite, b"-") {
            return Err((format!("{:?} is no release of Debian", self.suite), "write its name: `bookworm`"));
        }
        if let Some(wrong) = self.packages.iter().find(|it| !is_word(it, b"+.-=:~")) {
            return Err((format!("{wrong:?} is no package"), "write `NAME` or `NAME=VERSION`"));
        }
        let is_url = |it: &String| it.starts_with("http://") || it.starts_with("https://");
        match self.mirror.as_ref().filter(|it| !is_url(it) || it.contains(char::is_whitespace)) {
            Some(wrong) => Err((format!("{wrong:?} is no mirror"), "write `http://HOST/debian`")),
            None => Ok(()),
        }
    }

    /// The name of its image in the project's images: by what is asked for.
    pub fn name(&self) -> String {
        let mut packages = self.packages.clone();
        packages.sort();
        packages.dedup();
        let asked = [vec![self.suite.clone(), self.mirror.clone().unwrap_or_default()], packages].concat();
        self.named(&asked.join("\n"))
    }

    /// By what came of it.
    fn resolved_name(&self, versions: &str) -> String {
        self.named(versions)
    }

    fn named(&self, by: &str) -> String {
        let hash = oci::Digest::of(format!("{}\n{by}", Platform::host()).as_bytes()).hex();
        format!("debian/{}-{}", self.suite, &hash[..16])
    }

    fn arguments(&self, target: &str) -> Vec<String> {
        let mut arguments: Vec<String> = [
            "--variant=essential",
            "--format=tar",
            "--skip=output/dev",
            "--aptopt=Acquire::Languages \"none\"",
        ]
        .map(str::to_owned)
        .into();
        // What only people read; licences stay.
        for excluded in ["man", "info", "locale", "doc"] {
            arguments.push(format!("--dpkgopt=path-exclude=/usr/share/{excluded}/*"));
        }
        arguments.push("--dpkgopt=path-include=/usr/share/doc/*/copyright".into());
        if !self.packages.is_empty() {
            arguments.push(format!("--include={}", self.packages.join(",")));
        }
        arguments.extend([self.suite.clone(), target.to_owned()]);
        arguments.extend(self.mirror.clone());
        arguments
    }
}

/// The image of a root: as it was made, or made now.
pub(crate) async fn base(
    images: &Path,
    image: &str,
    root: &DebianRoot,
    refresh: bool,
    watch: &Watch,
) -> Result<oci::Digest, Fault> {
    let failed = |e: oci::Error| not_built(image, &diag::with_causes(&e));
    let layout = Layout::create(images).map_err(failed)?;
    let (name, platform) = (root.name(), Platform::host());
    let made = layout.resolve(Some(&name), &platform).ok();
    if let Some(made) = made.filter(|_| !refresh) {
        return Ok(made.digest);
    }
    watch
        .events
        .send(Event::Step { message: format!("image {image}: asking for the packages of {}", root.suite) });
    let versions = versions(image, root).await?;
    let resolved = root.resolved_name(&versions);
    if let Ok(same) = layout.resolve(Some(&resolved), &platform) {
        layout.tag(&same.digest, &name).map_err(failed)?;
        return Ok(same.digest);
    }
    let count = versions.split(' ').count();
    watch.events.send(Event::Step { message: format!("image {image}: making a root of {count} packages") });
    let digest = make(image, root, &layout, versions).await?;
    for name in [&resolved, &name] {
        layout.tag(&digest, name).map_err(failed)?;
    }
    Ok(digest)
}

/// What would be installed, without anything but the lists of packages being fetched.
async fn versions(image: &str, root: &DebianRoot) -> Result<String, Fault> {
    let arguments =
        [vec!["--simulate".to_owned(), "--verbose".to_owned()], root.arguments("/dev/null")].concat();
    let output = command(&arguments).output().await.map_err(|e| not_started(image, &e))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(not_built(image, &why(&said)));
    }
    // apt tells of each package in a line such as `Inst libc6 (2.36-9 Debian:12/stable [amd64])`.
    let one = |line: &str| {
        let rest = line.strip_prefix("Inst ")?;
        let (name, rest) = rest.split_once(' ')?;
        let version = rest.split_once('(')?.1.split([' ', ')']).next()?;
        Some(format!("{name}={version}"))
    };
    let mut versions: Vec<String> = said.lines().filter_map(one).collect();
    versions.sort();
    versions.dedup();
    if versions.is_empty() {
        return Err(not_built(image, &format!("`{PROGRAM}` did not tell what it would install")));
    }
    Ok(versions.join(" "))
}

async fn make(
    image: &str,
    root: &DebianRoot,
    layout: &Layout,
    versions: String,
) -> Result<oci::Digest, Fault> {
    let mut child = command(&root.arguments("-"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| not_started(image, &e))?;
    let (Some(tar), Some(mut errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(not_built(image, "its output cannot be read"));
    };
    let tar = tar.into_owned_fd().map(std::fs::File::from).map_err(|e| not_built(image, &e.to_string()))?;
    let labels = BTreeMap::from([(LABEL.to_owned(), versions)]);
    let layout = layout.clone();
    let imported =
        tokio::task::spawn_blocking(move || oci::import::root(&layout, tar, &Platform::host(), labels, None));
    let mut said = Vec::new();
    // Read to its end while it runs: a full pipe would stop it.
    let read = errors.read_to_end(&mut said).await;
    let status = child.wait().await.map_err(|e| not_built(image, &e.to_string()))?;
    let imported = imported.await.map_err(|e| not_built(image, &e.to_string()))?;
    read.map_err(|e| not_built(image, &e.to_string()))?;
    // What it wrote before it failed has no name, and goes with the next garbage.
    if !status.success() {
        return Err(not_built(image, &why(&String::from_utf8_lossy(&said))));
    }
    imported.map_err(|e| not_built(image, &diag::with_causes(&e)))
}

fn command(arguments: &[String]) -> Command {
    let mut command = Command::new(PROGRAM);
    // The same versions make the same bytes: times are the first second of Unix, and nobody's language is spoken.
    command.args(arguments).env("SOURCE_DATE_EPOCH", "0").env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn not_started(image: &str, error: &std::io::Error) -> Fault {
    let way_out = "install it (`apt-get install mmdebstrap`), or use another `base`";
    not_built(
        image,
        &format!("`{PROGRAM}`, which makes roots of Debian, could not be started: {error}; {way_out}"),
    )
}

/// The errors among what it says, or else the end of it.
fn why(said: &str) -> String {
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("E: ")).collect();
    let lines = if errors.is_empty() { said.lines().collect() } else { errors };
    let end = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n");
    format!("`{PROGRAM}` failed\n{end}")
}
