//! `version`.

use std::collections::BTreeMap;

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
    if given.is_on("json", false) {
        let version = Version {
            terraform_version: TERRAFORM_VERSION,
            platform: platform(),
            // Providers that are programs have versions, and there are none yet.
            provider_selections: BTreeMap::new(),
            terraform_outdated: false,
        };
        say(&format!("{}\n", pretty(&version).unwrap_or_default()));
    } else {
        let ours = env!("CARGO_PKG_VERSION");
        say(&format!("Terraform v{TERRAFORM_VERSION}\non {}\n+ answered by Mainstay v{ours}\n", platform()));
    }
    DONE
}

/// The machine as Terraform names it: `linux_amd64`.
fn platform() -> String {
    let system = if std::env::consts::OS == "macos" { "darwin" } else { std::env::consts::OS };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    format!("{system}_{processor}")
}
