//! `providers lock`.

use std::collections::BTreeSet;

use operations::stack::provider_requirements;
use packages::{
    LockNews, LockRequest, LockSource, PROVIDER_LOCK_FILE, Patience, Platform, ProviderRequirements,
    lock_providers, shown_provider,
};

use super::providers::open;
use super::shared::TEST_FILES;
use super::{Context, DONE, FAILED, installing};
use crate::arguments::{Flags, Given, Usage};
use crate::view::View;

const LOCK: Usage = Usage {
    verb: "providers lock",
    arguments: "[providers...]",
    least: 0,
    most: usize::MAX,
    about: "Note which packages of providers are right, for the platforms that are named.",
    flags: Flags {
        switches: &["no-color", "enable-plugin-cache"],
        values: &["fs-mirror", "net-mirror", "platform", "var", "var-file"],
        refused: &[TEST_FILES],
    },
};

pub(super) async fn run(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &LOCK, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let platforms = platforms(&given, &view)?;
    let source = source(&given, &view)?;
    let (folder, stack) = open(context, &view, &given)?;
    let told = |fault| view.fault(&fault);
    let requirements = provider_requirements(&stack.tree, None);
    let only = only(&given, &requirements, &view)?;
    let (cli, remarks) = folder.cli_configuration().map_err(told)?;
    view.diagnostics(&remarks, &stack.sources);
    let request = LockRequest {
        only,
        platforms,
        source,
        uses_cache: given.is_on("enable-plugin-cache", false),
        patience: Patience::default(),
    };
    let progress = installing::progress(&view);
    let locked = lock_providers(&folder.place(), &requirements, request, &cli, progress).await;
    let locked = locked.map_err(|faults| view.fault(&stack.fault(faults)))?;
    for it in &locked.platforms {
        let news = match it.news {
            LockNews::Provider => {
                "This was a new provider and the checksums for this platform are now tracked in the lock file"
            }
            LockNews::Hashes => "Additional checksums for this platform are now tracked in the lock file",
            LockNews::Nothing => "All checksums for this platform were already tracked in the lock file",
        };
        view.log(&format!("Obtained {} checksums for {}; {news}", shown_provider(&it.provider), it.platform));
    }
    let good = view.paint.good("Success!");
    if locked.is_changed {
        view.text(&format!(
            "\n{good} {}\n\nReview the changes in {PROVIDER_LOCK_FILE} and then commit to your\nversion control system to retain the new checksums.\n\n",
            view.paint.strong("Terraform has updated the lock file.")
        ));
    } else {
        let text = "Terraform has validated the lock file and found no need for changes.";
        view.text(&format!("\n{good} {}\n", view.paint.strong(text)));
    }
    Ok(DONE)
}

/// `-platform`, as often as it is given; this machine's without.
pub(super) fn platforms(given: &Given, view: &View) -> Result<Vec<Platform>, u8> {
    let texts = given.values("platform");
    if texts.is_empty() {
        return Ok(vec![Platform::current()]);
    }
    let mut found = Vec::new();
    for text in texts {
        let platform = text.parse::<Platform>().map_err(|e| {
            let detail = format!(
                "The string {text:?} given in the -platform option is not a valid target platform: {e}."
            );
            view.usage("Invalid target platform", &detail)
        })?;
        if !found.contains(&platform) {
            found.push(platform);
        }
    }
    Ok(found)
}

fn source(given: &Given, view: &View) -> Result<LockSource, u8> {
    match (given.value("fs-mirror"), given.value("net-mirror")) {
        (Some(_), Some(_)) => Err(view.usage(
            "Invalid installation method options",
            "The -fs-mirror and -net-mirror command line options are mutually-exclusive.",
        )),
        (Some(folder), None) => Ok(LockSource::Folder(folder.into())),
        (None, Some(url)) => {
            LockSource::server(url).map_err(|cause| view.usage("Invalid network mirror URL", &cause))
        }
        (None, None) => Ok(LockSource::Registries),
    }
}

fn only(
    given: &Given,
    requirements: &ProviderRequirements,
    view: &View,
) -> Result<Vec<lang::ProviderAddress>, u8> {
    let mut found = BTreeSet::new();
    for text in &given.rest {
        let provider = lang::ProviderAddress::of_source(text);
        if !requirements.contains(&provider) {
            let detail = format!("The provider {provider} is not required by the current configuration.");
            view.usage("Invalid provider argument", &detail);
            return Err(FAILED);
        }
        found.insert(provider);
    }
    Ok(found.into_iter().collect())
}
