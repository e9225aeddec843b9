//! The AWS provider, where it is to be had: a filesystem mirror in one of the folders that people put such into.

use std::path::PathBuf;

/// The version that tests and benchmarks are written for.
pub const VERSION: &str = "5.100.0";

/// The first filesystem mirror that has the provider unpacked for this machine: the one that `TF_PLUGIN_MIRROR` names, the user's or the
/// system's own, or a folder below one where software is put that no package manager brings.
#[must_use]
pub fn mirror() -> Option<PathBuf> {
    let named = std::env::var_os("TF_PLUGIN_MIRROR").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".terraform.d/plugins"));
    let usual = ["/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"].map(PathBuf::from);
    let below = ["/opt", "/srv", "/usr/local"].into_iter().flat_map(|folder| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| entry.path())
    });
    let mut all = named.into_iter().chain(home).chain(usual).chain(below);
    all.find(|mirror| program_in(mirror.clone()).is_some())
}

/// The provider's program.
#[must_use]
pub fn program() -> Option<PathBuf> {
    program_in(mirror()?)
}

fn program_in(mirror: PathBuf) -> Option<PathBuf> {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "linux_amd64",
        "aarch64" => "linux_arm64",
        _ => return None,
    };
    let folder = mirror.join("registry.terraform.io/hashicorp/aws").join(VERSION).join(machine);
    let mut entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    entries.find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("terraform-provider-aws"))
    })
}
