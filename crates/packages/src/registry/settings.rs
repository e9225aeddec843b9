//! Settings of the command line's configuration that say where providers are kept: the shared cache, and the folders that are looked
//! into where no way of installation is written down.

use std::path::{Path, PathBuf};

use lang::ProviderAddress;

use super::{InstallationMethod, MethodKind, ProviderInstallation, ProviderPattern};

/// Where providers are kept.
#[derive(Debug, Clone, Default)]
pub struct ProviderSettings {
    /// The ways that are written down.
    pub installation: Option<ProviderInstallation>,
    /// The shared cache.
    pub cache: Option<PathBuf>,
    /// Whether a package of the cache is taken although its hash is not locked, so that the lock is incomplete on other machines.
    pub cache_may_break_lock: bool,
    /// Folders that are mirrors for what is in them, where no ways are written down; relative ones are the working folder's.
    pub implied: Vec<PathBuf>,
}

impl ProviderSettings {
    /// The folders that Terraform looks into of itself: `terraform.d/plugins`, the user's, those of XDG.
    pub(super) fn implied<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Vec<PathBuf> {
        let mut folders = vec![PathBuf::from("terraform.d/plugins")];
        let home = variable("HOME").map(Path::new);
        folders.extend(home.map(|home| home.join(".terraform.d/plugins")));
        let own = variable("XDG_DATA_HOME").map(PathBuf::from);
        folders.extend(own.or_else(|| home.map(|home| home.join(".local/share"))).map(inside));
        let shared = variable("XDG_DATA_DIRS").unwrap_or("/usr/local/share:/usr/share");
        folders.extend(shared.split(':').filter(|it| it.starts_with('/')).map(PathBuf::from).map(inside));
        folders
    }

    /// A folder for a provider that is being developed.
    #[must_use]
    pub fn dev_override(&self, address: &ProviderAddress) -> Option<&Path> {
        self.installation.as_ref()?.dev_overrides.get(address).map(PathBuf::as_path)
    }

    /// The ways to these providers, from a working folder: what is written down, or the implied mirrors for what they have and the
    /// registries for the rest.
    #[must_use]
    pub(crate) fn methods(&self, root: &Path, addresses: &[&ProviderAddress]) -> Vec<InstallationMethod> {
        if let Some(installation) = &self.installation {
            return installation.methods.clone();
        }
        let mut methods = Vec::new();
        let mut direct = InstallationMethod::for_all(MethodKind::Direct);
        for folder in &self.implied {
            let folder = root.join(folder);
            let has = |address: &&&ProviderAddress| crate::providers::is_in_mirror(&folder, address);
            let here: Vec<_> = addresses.iter().filter(has).map(|it| ProviderPattern::of(it)).collect();
            if here.is_empty() {
                continue;
            }
            direct.exclude.extend(here.iter().cloned());
            let kind = MethodKind::FilesystemMirror(folder);
            methods.push(InstallationMethod { kind, include: Some(here), exclude: Vec::new() });
        }
        methods.push(direct);
        methods
    }
}

fn inside(data: PathBuf) -> PathBuf {
    data.join("terraform/plugins")
}

/// A path with `$NAME` and `${NAME}` replaced by the environment's values; unset ones are empty.
pub(super) fn expanded<'a>(path: &str, variable: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut text = String::new();
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, next) = match after.strip_prefix('{').and_then(|it| it.split_once('}')) {
            Some(found) => found,
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                after.split_at(end)
            }
        };
        if name.is_empty() {
            text.push('$');
        } else {
            text.push_str(variable(name).unwrap_or(""));
        }
        rest = next;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::expanded;

    #[test]
    fn variables_of_the_environment_stand_in_paths() {
        let variable = |name: &str| (name == "HOME").then_some("/home/x");
        for (path, expect) in [
            ("$HOME/cache", "/home/x/cache"),
            ("${HOME}/cache", "/home/x/cache"),
            ("/a/$NONE/b", "/a//b"),
            ("/a$/b", "/a$/b"),
        ] {
            assert_eq!(expanded(path, variable), expect);
        }
    }
}
