//! Folders of providers, as Terraform lays them out: `HOST/OWNER/NAME/VERSION/OS_ARCH/`, and beside that, in mirrors, archives
//! `HOST/OWNER/NAME/terraform-provider-NAME_VERSION_OS_ARCH.zip`. Nothing is changed here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lang::ProviderAddress;

use super::Platform;
use crate::Version;

/// The folder of a provider.
pub(crate) fn of_provider(root: &Path, address: &ProviderAddress) -> PathBuf {
    let (host, owner, name) = address.parts();
    root.join(host).join(owner).join(name)
}

/// The folder of an unpacked package.
pub(crate) fn of_package(
    root: &Path,
    address: &ProviderAddress,
    version: &Version,
    platform: &Platform,
) -> PathBuf {
    of_provider(root, address).join(version.to_string()).join(platform.to_string())
}

/// The name of a packed package.
pub(crate) fn archive_name(address: &ProviderAddress, version: &Version, platform: &Platform) -> String {
    format!("terraform-provider-{}_{version}_{platform}.zip", address.name())
}

/// A package in a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub version: Version,
    pub platform: Platform,
    pub path: PathBuf,
    pub is_packed: bool,
}

/// The packages of a provider in a mirror; none where it has no folder there.
pub(crate) fn packages(root: &Path, address: &ProviderAddress) -> io::Result<Vec<Found>> {
    let folder = of_provider(root, address);
    let mut found = Vec::new();
    for (name, path) in entries(&folder)? {
        if path.is_dir() {
            let Ok(version) = Version::parse(&name) else { continue };
            for (name, path) in entries(&path)? {
                if let Ok(platform) = name.parse::<Platform>()
                    && path.is_dir()
                {
                    found.push(Found { version: version.clone(), platform, path, is_packed: false });
                }
            }
        } else if let Some((version, platform)) = of_archive(&name, address.name()) {
            found.push(Found { version, platform, path, is_packed: true });
        }
    }
    Ok(found)
}

/// Whether a folder has anything of a provider in it.
pub(crate) fn has(root: &Path, address: &ProviderAddress) -> bool {
    of_provider(root, address).is_dir()
}

/// The version and the platform that an archive's name tells.
fn of_archive(file: &str, name: &str) -> Option<(Version, Platform)> {
    let rest = file.strip_prefix("terraform-provider-")?.strip_prefix(name)?.strip_prefix('_')?;
    let (version, platform) = rest.strip_suffix(".zip")?.split_once('_')?;
    Some((Version::parse(version).ok()?, platform.parse().ok()?))
}

/// The names in a folder with their paths, sorted; none where it does not exist.
fn entries(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(e),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // A name that is no text is nobody's version.
        if let Ok(name) = entry.file_name().into_string() {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// The program in a package: the file `terraform-provider-NAME`, perhaps with `_` or `.` and more behind it.
pub(crate) fn program(package: &Path, address: &ProviderAddress) -> io::Result<Option<PathBuf>> {
    let start = format!("terraform-provider-{}", address.name());
    let is_it = |name: &str| {
        name.strip_prefix(&start).is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '.']))
    };
    Ok(entries(package)?.into_iter().find(|(name, path)| is_it(name) && path.is_file()).map(|(_, path)| path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archives_name_tells_its_version_and_platform() {
        let check = |file: &str, expect: Option<(&str, &str)>| {
            let found = of_archive(file, "aws")
                .map(|(version, platform)| (version.to_string(), platform.to_string()));
            assert_eq!(found, expect.map(|(v, p)| (v.to_owned(), p.to_owned())), "{file}");
        };
        check("terraform-provider-aws_5.100.0_linux_amd64.zip", Some(("5.100.0", "linux_amd64")));
        check("terraform-provider-aws_1.0.0-beta1_darwin_arm64.zip", Some(("1.0.0-beta1", "darwin_arm64")));
        check("terraform-provider-awscc_1.0.0_linux_amd64.zip", None);
        check("terraform-provider-aws_1.0.0_linux.zip", None);
        check("terraform-provider-aws_1.0.0_linux_amd64.tar", None);
    }
}
