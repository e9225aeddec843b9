//! How the installation of providers is told: text for people, and the same as a stream. Nothing is decided here.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Sources};
use operations::stack::developed_providers;
use packages::{
    InstalledProviders, LockChange, PROVIDER_LOCK_FILE, Platform, ProviderEvent, ProviderProgress,
    ProvidersInstalled, shown_provider,
};

use crate::view::View;

/// Tells what happens, as it happens.
pub(super) fn progress(view: &View) -> ProviderProgress {
    let view = *view;
    Arc::new(move |event| tell(&view, &event))
}

fn tell(view: &View, event: &ProviderEvent) {
    let said = |text: String, data: String| if view.json { view.line(&data) } else { view.log(&text) };
    let same = |text: String| view.log(&text);
    match event {
        ProviderEvent::BuiltIn(provider) => same(format!("{provider} is built in to Terraform")),
        ProviderEvent::Reusing(provider) => {
            let name = shown_provider(provider);
            said(
                format!("Reusing previous version of {name} from the dependency lock file"),
                format!("{name}: Reusing previous version from the dependency lock file"),
            );
        }
        ProviderEvent::Finding { provider, constraints } if constraints.is_empty() => {
            let name = shown_provider(provider);
            said(
                format!("Finding latest version of {name}..."),
                format!("{name}: Finding latest version..."),
            );
        }
        ProviderEvent::Finding { provider, constraints } => {
            let name = shown_provider(provider);
            said(
                format!("Finding {name} versions matching \"{constraints}\"..."),
                format!(
                    "Finding matching versions for provider: {name}, version_constraint: \"{constraints}\""
                ),
            );
        }
        ProviderEvent::Present { provider, version } => {
            let name = shown_provider(provider);
            said(
                format!("Using previously-installed {name} v{version}"),
                format!("{name} v{version}: Using previously-installed provider version"),
            );
        }
        ProviderEvent::Cached { provider, version } => {
            let name = shown_provider(provider);
            said(
                format!("Using {name} v{version} from the shared cache directory"),
                format!("{name} v{version}: Using from the shared cache directory"),
            );
        }
        ProviderEvent::Installing { provider, version, platform: None } => {
            let name = shown_provider(provider);
            said(
                format!("Installing {name} v{version}..."),
                format!("Installing provider version: {name} v{version}..."),
            );
        }
        ProviderEvent::Installing { provider, version, platform: Some(platform) } => {
            same(format!("Fetching {} {version} for {platform}...", shown_provider(provider)));
        }
        ProviderEvent::Installed { provider, version, platform: None, trust } => {
            let name = shown_provider(provider);
            let trusted = trust.words();
            let key = |before: &str| {
                trust.key().map_or_else(String::new, |key| format!("{before}{}", view.paint.strong(key)))
            };
            said(
                format!("Installed {name} v{version} ({trusted}{})", key(", key ID ")),
                format!("Installed provider version: {name} v{version} ({trusted}{})", key("key_id: ")),
            );
        }
        ProviderEvent::Installed { provider, version, platform: Some(platform), trust } => {
            let name = shown_provider(provider);
            let key =
                trust.key().map_or_else(String::new, |key| format!(", key ID {}", view.paint.strong(key)));
            same(format!("Retrieved {name} {version} for {platform} ({}{key})", trust.words()));
        }
        ProviderEvent::Waiting { folder } => {
            view.line(&format!("Waiting for another installation into {}...", folder.display()));
        }
        ProviderEvent::Retrying { url, cause } => view.line(&format!("Trying {url} again: {cause}")),
        ProviderEvent::Warning(warning) => view.diagnostics(&warning.clone().into(), &Sources::default()),
    }
}

/// What has come of it: the lock file, and what should be known of it.
pub(super) fn outcome(view: &View, installed: &ProvidersInstalled, providers: &InstalledProviders) {
    if installed.is_signed_by_others {
        view.line(
            "Partner and community providers are signed by their developers.\nIf you'd like to know more about provider signing, you can read about it here:\nhttps://developer.hashicorp.com/terraform/cli/plugins/signing",
        );
    }
    match installed.change {
        LockChange::Created => {
            let file = view.paint.strong(PROVIDER_LOCK_FILE);
            view.step(
                "lock_info",
                &format!("Terraform has created a lock file {file} to record the provider\nselections it made above. Include this file in your version control repository\nso that Terraform can guarantee to make the same selections by default when\nyou run \"terraform init\" in the future."),
            );
        }
        LockChange::Changed => view.step(
            "dependencies_lock_changes_info",
            &format!("Terraform has made some changes to the provider dependency selections recorded\nin the {PROVIDER_LOCK_FILE} file. Review those changes and commit them to your\nversion control system if they represent changes you intended to make."),
        ),
        LockChange::None | LockChange::NotSaved => {}
    }
    let mut warnings = Diagnostics::default();
    warnings.extend(developed_providers(
        providers,
        "skip `init` when providers are developed: it is not necessary, and may fail",
    ));
    if installed.change == LockChange::NotSaved {
        warnings.push(
            Diagnostic::warning("provider-not-locked", "the lock file of providers was not updated")
                .summary("Provider lock file not updated")
                .because(format!("Changes to the provider selections were detected, but not saved in the {PROVIDER_LOCK_FILE} file."))
                .hint("to record these selections, run `terraform init` without the `-lockfile=readonly` flag"),
        );
    }
    if !installed.incomplete.is_empty() && installed.change != LockChange::NotSaved {
        let names: Vec<String> =
            installed.incomplete.iter().map(|it| format!("  - {}", shown_provider(it))).collect();
        let platform = Platform::current();
        warnings.push(
            Diagnostic::warning("provider-lock-incomplete", "the lock file has hashes of this platform only")
                .summary("Incomplete lock file information for providers")
                .because(format!("Due to your customized provider installation methods, Terraform was forced to calculate lock file checksums locally for the following providers:\n{}\n\nThe current {PROVIDER_LOCK_FILE} file only includes checksums for {platform}, so Terraform running on another platform will fail to install these providers.", names.join("\n")))
                .hint("to calculate additional checksums for another platform, run:\n  terraform providers lock -platform=linux_amd64\n(where linux_amd64 is the platform to generate)"),
        );
    }
    view.diagnostics(&warnings, &Sources::default());
}
