//! `providers mirror`.

use std::path::PathBuf;
use std::sync::Arc;

use diag::Sources;
use operations::stack::provider_requirements;
use packages::{MirrorEvent, MirrorRequest, Patience, ProviderEvent, mirror_providers, shown_provider};

use super::providers::open;
use super::providers_lock::platforms;
use super::{Context, DONE};
use crate::arguments::{Flags, Usage};
use crate::view::View;

const MIRROR: Usage = Usage {
    verb: "providers mirror",
    arguments: "DIR",
    least: 1,
    most: 1,
    about: "Copy the packages of providers into a folder that can be a mirror, here or on a server.",
    flags: Flags {
        switches: &["no-color", "lock-file"],
        values: &["platform", "var", "var-file"],
        refused: &[],
    },
};

pub(super) async fn run(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &MIRROR, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let platforms = platforms(&given, &view)?;
    let (folder, stack) = open(context, &view, &given)?;
    let (cli, remarks) = folder.cli_configuration().map_err(|fault| view.fault(&fault))?;
    view.diagnostics(&remarks, &stack.sources);
    let target = given.rest.first().map(PathBuf::from).unwrap_or_default();
    let request = MirrorRequest {
        folder: context.folder.join(target),
        platforms,
        heeds_lock: given.is_on("lock-file", true),
        patience: Patience::default(),
    };
    let requirements = provider_requirements(&stack.tree, None);
    let (place, progress) = (folder.place(), Arc::new(move |event| tell(&view, &event)));
    let done = mirror_providers(&place, &requirements, request, &cli, progress);
    done.await.map_err(|faults| view.fault(&stack.fault(faults)))?;
    Ok(DONE)
}

fn tell(view: &View, event: &MirrorEvent) {
    match event {
        MirrorEvent::Mirroring(provider) => view.log(&format!("Mirroring {}...", shown_provider(provider))),
        MirrorEvent::Selected { version, is_locked: true, .. } => {
            view.text(&format!("  - Selected v{version} to match dependency lock file\n"));
        }
        MirrorEvent::Selected { version, constraints, .. } if constraints.is_empty() => {
            view.text(&format!("  - Selected v{version} with no constraints\n"));
        }
        MirrorEvent::Selected { version, constraints, .. } => {
            view.text(&format!("  - Selected v{version} to meet constraints {constraints}\n"));
        }
        MirrorEvent::Downloading(platform) => {
            view.text(&format!("  - Downloading package for {platform}...\n"));
        }
        MirrorEvent::Downloaded(trust) => {
            view.text(&format!("  - Package authenticated: {}\n", trust.words()));
        }
        MirrorEvent::Other(ProviderEvent::Retrying { url, cause }) => {
            view.line(&format!("  - Trying {url} again: {cause}"));
        }
        MirrorEvent::Other(ProviderEvent::Warning(warning)) => {
            view.diagnostics(&warning.clone().into(), &Sources::default());
        }
        // What an installation tells.
        MirrorEvent::Other(_) => {}
    }
}
