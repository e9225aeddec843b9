//! What happens to an object of a stack, as one line in the words that users of Terraform know. It prints nothing itself.

use engine::{Address, Happened, KnownBy, Work};

use super::duration;

/// The line for an event; `None` where people are told nothing.
pub(super) fn line(address: &Address, deposed: Option<&str>, happened: &Happened) -> Option<String> {
    let text = match happened {
        Happened::RefreshStarted { known_by } => format!("Refreshing state...{}", known(known_by.as_ref())),
        Happened::ApplyStarted { work, known_by } => {
            format!("{}...{}", doing(*work), known(known_by.as_ref()))
        }
        Happened::ApplyProgress { work, known_by, elapsed_ms } => {
            let known = known_by.as_ref().map(|k| format!("{}={}, ", k.key, k.value)).unwrap_or_default();
            format!("Still {}... [{known}{} elapsed]", doing(*work).to_lowercase(), duration(*elapsed_ms))
        }
        Happened::ApplyFinished { work, known_by, took_ms } => {
            format!("{} complete after {}{}", done(*work), duration(*took_ms), known(known_by.as_ref()))
        }
        Happened::Skipped { because } => {
            let because: Vec<String> = because.iter().map(ToString::to_string).collect();
            format!("Not begun, since it comes after {}", because.join(", "))
        }
        Happened::ProvisionStarted { provisioner } => format!("Provisioning with '{provisioner}'..."),
        Happened::ProvisionOutput { provisioner, output } => {
            return Some(format!("{address} ({provisioner}): {output}"));
        }
        Happened::EphemeralStarted { work } => format!("{}...", doing(*work)),
        Happened::EphemeralFinished { work, took_ms } => {
            format!("{} complete after {}", done(*work), duration(*took_ms))
        }
        Happened::RefreshFinished { .. }
        | Happened::ApplyFailed { .. }
        | Happened::ProvisionFinished { .. }
        | Happened::ProvisionFailed { .. }
        | Happened::EphemeralFailed { .. } => return None,
    };
    let deposed = deposed.map(|key| format!(" (deposed object {key})")).unwrap_or_default();
    Some(format!("{address}{deposed}: {text}"))
}

fn known(known_by: Option<&KnownBy>) -> String {
    known_by.map(|known| format!(" [{}={}]", known.key, known.value)).unwrap_or_default()
}

fn doing(work: Work) -> &'static str {
    match work {
        Work::Create => "Creating",
        Work::Read => "Reading",
        Work::Update => "Modifying",
        Work::Delete => "Destroying",
        Work::Open => "Opening",
        Work::Renew => "Renewing",
        Work::Close => "Closing",
    }
}

fn done(work: Work) -> &'static str {
    match work {
        Work::Create => "Creation",
        Work::Read => "Read",
        Work::Update => "Modifications",
        Work::Delete => "Destruction",
        Work::Open => "Opening",
        Work::Renew => "Renewal",
        Work::Close => "Closing",
    }
}
