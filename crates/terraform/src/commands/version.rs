//! `version`.

use std::collections::BTreeMap;

use packages::{Platform, ProviderLocks};
use serde::Serialize;

use super::{Context, DONE};
use crate::arguments::{Flags, Usage};
use crate::json::{TERRAFORM_VERSION, pretty};
use crate::view::say;

const USAGE: Usage = Usage {
    verb: "version",
    arguments: "",
    least: 0,
    // As Terraform does, whatever follows is passed over.
    most: usize::MAX,
    about: "Show which Terraform this program answers to.",
    flags: Flags { switches: &["json"], values: &[], refused: &[] },
};

/// The answer as data.
#[derive(Serialize)]
struct Version {
    terraform_version: &'static str,
    platform: String,
    provider_selections: BTreeMap<String, String>,
    terraform_outdated: bool,
}

pub(super) fn run(context: &Context, arguments: &[String]) -> u8 {
    let given = match super::read(context, &USAGE, arguments) {
        Ok(given) => given,
        Err(code) => return code,
    };
    // A lock that cannot be read is told by whoever needs it.
    let locks = ProviderLocks::read(&context.folder).ok();
    let locked = locks.iter().flat_map(ProviderLocks::all);
    let locked: BTreeMap<String, String> =
        locked.map(|(provider, lock)| (provider.to_string(), lock.version.to_string())).collect();
    if given.is_on("json", false) {
        let version = Version {
            terraform_version: TERRAFORM_VERSION,
            platform: Platform::current().to_string(),
            provider_selections: locked,
            terraform_outdated: false,
        };
        say(&format!("{}\n", pretty(&version).unwrap_or_default()));
    } else {
        let (ours, platform) = (env!("CARGO_PKG_VERSION"), Platform::current());
        say(&format!("Terraform v{TERRAFORM_VERSION}\non {platform}\n+ answered by Mainstay v{ours}\n"));
        for (provider, version) in locked {
            say(&format!("+ provider {provider} v{version}\n"));
        }
    }
    DONE
}
