//! A plan as people read it.

use engine::Mode;
use engine::stack::StackPlan;
use engine::stack::plan::{Action, OutputChange, Reason, ResourceChange, StackMode};
use value::{Type, Value};

use super::Paint;
use super::diff::{Differences, Loose};
use crate::json::resource::terraform_order;

/// The whole plan, ending with its summary.
#[must_use]
pub fn plan(plan: &StackPlan, paint: Paint) -> String {
    let mut out = String::new();
    drift(plan, paint, &mut out);
    let mut changes: Vec<&ResourceChange> = plan.changes.iter().filter(|change| is_told(change)).collect();
    changes.sort_by(|a, b| terraform_order(&a.address, &b.address).then_with(|| a.deposed.cmp(&b.deposed)));
    let outputs: Vec<&OutputChange> =
        plan.outputs.iter().filter(|output| output.action() != Action::NoOp).collect();
    if changes.is_empty() && outputs.is_empty() {
        out.push_str(&nothing(plan, paint));
        return out;
    }
    if !changes.is_empty() && plan.mode != StackMode::RefreshOnly {
        legend(&changes, paint, &mut out);
        let opening = if plan.is_errored {
            "Terraform planned the following actions, but then encountered a problem:"
        } else {
            "Terraform will perform the following actions:"
        };
        out.push_str(&format!("{opening}\n\n"));
        for change in &changes {
            out.push_str(&self::change(change, paint));
            out.push('\n');
        }
        out.push_str(&format!("{}{}\n", paint.strong("Plan:"), summary(plan)));
    }
    if !outputs.is_empty() {
        out.push_str("\nChanges to Outputs:\n");
        out.push_str(&self::outputs(&outputs, paint));
        if changes.is_empty() {
            out.push_str(
                "\nYou can apply this plan to save these new output values to the Terraform\nstate, without changing any real infrastructure.\n",
            );
        }
    }
    out
}

/// What would be done to objects, one after the other, without anything around it; empty where nothing would be.
#[must_use]
pub fn changes(plan: &StackPlan, paint: Paint) -> String {
    let mut out = String::new();
    drift(plan, paint, &mut out);
    let mut changes: Vec<&ResourceChange> = plan.changes.iter().filter(|change| is_told(change)).collect();
    changes.sort_by(|a, b| terraform_order(&a.address, &b.address).then_with(|| a.deposed.cmp(&b.deposed)));
    for change in changes {
        out.push_str(&self::change(change, paint));
        out.push('\n');
    }
    out
}

/// `1 to add, 0 to change, 0 to destroy.`, with imports and what is forgotten.
#[must_use]
pub fn summary(plan: &StackPlan) -> String {
    let count = Counts::of(plan);
    let mut text = String::new();
    if count.import > 0 {
        text.push_str(&format!(" {} to import,", count.import));
    }
    text.push_str(&format!(" {} to add, {} to change, {} to destroy", count.add, count.change, count.remove));
    if count.forget > 0 {
        text.push_str(&format!(", {} to forget", count.forget));
    }
    text.push('.');
    text
}

/// How many objects would be changed in each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub add: usize,
    pub change: usize,
    pub remove: usize,
    pub import: usize,
    pub forget: usize,
}

impl Counts {
    /// Of a plan.
    #[must_use]
    pub fn of(plan: &StackPlan) -> Self {
        let mut counts = Self::default();
        for change in plan.changes.iter().filter(|change| change.address.mode == Mode::Managed) {
            counts.import += usize::from(change.importing.is_some());
            match change.action {
                Action::Create => counts.add += 1,
                Action::Update => counts.change += 1,
                Action::Delete => counts.remove += 1,
                Action::Forget => counts.forget += 1,
                Action::DeleteThenCreate | Action::CreateThenDelete => {
                    counts.add += 1;
                    counts.remove += 1;
                }
                Action::NoOp | Action::Read => {}
            }
        }
        counts
    }
}

fn is_told(change: &ResourceChange) -> bool {
    // What is only read goes without a word.
    if change.address.mode == Mode::Data && change.action == Action::Forget {
        return false;
    }
    change.action != Action::NoOp || change.previous.is_some() || change.importing.is_some()
}

fn nothing(plan: &StackPlan, paint: Paint) -> String {
    let (head, text) = match plan.mode {
        StackMode::Normal => (
            "No changes. Your infrastructure matches the configuration.",
            "Terraform has compared your real infrastructure against your configuration\nand found no differences, so no changes are needed.",
        ),
        StackMode::Destroy => (
            "No changes. No objects need to be destroyed.",
            "Either you have not created any objects yet or the existing objects were\nalready deleted outside of Terraform.",
        ),
        StackMode::RefreshOnly if plan.drift.is_empty() => (
            "No changes. Your infrastructure still matches the configuration.",
            "Terraform has checked that the real remote objects still match the result of\nyour most recent changes, and found no differences.",
        ),
        StackMode::RefreshOnly => return String::new(),
    };
    format!("{}\n\n{text}\n", paint.strong(head))
}

fn drift(plan: &StackPlan, paint: Paint, out: &mut String) {
    let is_relevant = |change: &&ResourceChange| {
        plan.mode == StackMode::RefreshOnly
            || plan.relevant.iter().any(|(address, _)| change.address.is_within(address))
    };
    let told: Vec<&ResourceChange> = plan.drift.iter().filter(is_relevant).collect();
    if told.is_empty() {
        return;
    }
    out.push_str(&paint.strong("Note: Objects have changed outside of Terraform"));
    out.push_str("\n\nTerraform detected the following changes made outside of Terraform since the\nlast \"terraform apply\" which may have affected this plan:\n\n");
    for change in told {
        let verb = if change.after.is_null() { "has been deleted" } else { "has changed" };
        let head = format!("  # {} {verb}", change.address);
        out.push_str(&format!("{}\n", paint.strong(&head)));
        out.push_str(&body(change, paint));
        out.push('\n');
    }
}

fn legend(changes: &[&ResourceChange], paint: Paint, out: &mut String) {
    out.push_str("Terraform used the selected providers to generate the following execution\nplan. Resource actions are indicated with the following symbols:\n");
    let any = |action: Action| changes.iter().any(|change| change.action == action);
    let lines = [
        (Action::Create, "create"),
        (Action::Update, "update in-place"),
        (Action::Delete, "destroy"),
        (Action::DeleteThenCreate, "destroy and then create replacement"),
        (Action::CreateThenDelete, "create replacement and then destroy"),
        (Action::Read, "read (data resources)"),
    ];
    for (action, text) in lines {
        if any(action) {
            out.push_str(&format!("{} {text}\n", sign(action, paint)));
        }
    }
    out.push('\n');
}

/// The sign of an action, three characters wide.
fn sign(action: Action, paint: Paint) -> String {
    match action {
        Action::NoOp => "   ".into(),
        Action::Create => format!("  {}", paint.good("+")),
        Action::Update => format!("  {}", paint.change("~")),
        Action::Delete => format!("  {}", paint.bad("-")),
        Action::DeleteThenCreate => format!("{}/{}", paint.bad("-"), paint.good("+")),
        Action::CreateThenDelete => format!("{}/{}", paint.good("+"), paint.bad("-")),
        Action::Read => format!(" {}", paint.read("<=")),
        Action::Forget => format!("  {}", paint.change(".")),
    }
}

fn change(change: &ResourceChange, paint: Paint) -> String {
    let mut name = change.address.to_string();
    if let Some(deposed) = &change.deposed {
        name.push_str(&format!(" (deposed object {deposed})"));
    }
    let verb = match (change.action, change.reason) {
        (Action::Create, _) => "will be created",
        (Action::Read, Some(Reason::ReadBecauseConfigUnknown | Reason::ReadBecauseDependencyPending)) => {
            "will be read during apply"
        }
        (Action::Read, _) => "will be read during apply",
        (Action::Update, _) => "will be updated in-place",
        (Action::Delete, _) => "will be destroyed",
        (Action::Forget, _) => "will no longer be managed by Terraform, but will not be destroyed",
        (Action::DeleteThenCreate | Action::CreateThenDelete, Some(Reason::ReplaceBecauseTainted)) => {
            "is tainted, so must be replaced"
        }
        (
            Action::DeleteThenCreate | Action::CreateThenDelete,
            Some(Reason::ReplaceByRequest | Reason::ReplaceByTriggers),
        ) => "will be replaced, as requested",
        (Action::DeleteThenCreate | Action::CreateThenDelete, _) => "must be replaced",
        (Action::NoOp, _) if change.importing.is_some() => "will be imported",
        (Action::NoOp, _) => "has moved",
    };
    let verb = match (change.action, change.reason) {
        (Action::DeleteThenCreate | Action::CreateThenDelete, Some(Reason::ReplaceByTriggers)) => {
            "will be replaced due to changes in replace_triggered_by"
        }
        _ => verb,
    };
    let head = match (&change.previous, change.action) {
        (Some(previous), Action::NoOp) => format!("  # {previous} has moved to {name}"),
        _ => format!("  # {name} {verb}"),
    };
    let mut out = format!("{}\n", paint.strong(&head));
    if let Some(why) = change.reason.and_then(|reason| because(reason, change)) {
        out.push_str(&format!("  # ({why})\n"));
    }
    if let Some(previous) = change.previous.as_ref().filter(|_| change.action != Action::NoOp) {
        out.push_str(&format!("  # (moved from {previous})\n"));
    }
    if let Some(id) = &change.importing {
        out.push_str(&format!("  # (imported from {})\n", lang::write::quoted(id)));
    }
    out + &body(change, paint)
}

fn because(reason: Reason, change: &ResourceChange) -> Option<String> {
    let address = &change.address;
    Some(match reason {
        Reason::DeleteBecauseNoResourceConfig => {
            format!("because {} is not in configuration", address.resource())
        }
        Reason::DeleteBecauseNoMoveTarget => "because its new address is not in configuration".into(),
        Reason::DeleteBecauseNoModule => format!("because {} is not in configuration", address.module),
        Reason::DeleteBecauseWrongRepetition => match &address.key {
            None => "because resource uses count or for_each".into(),
            Some(engine::Key::Index(_)) => "because resource does not use count".into(),
            Some(engine::Key::Name(_)) => "because resource does not use for_each".into(),
        },
        Reason::DeleteBecauseCountIndex => {
            format!("because index {} is out of range for count", key(address))
        }
        Reason::DeleteBecauseEachKey => format!("because key {} is not in for_each map", key(address)),
        Reason::ReadBecauseConfigUnknown => "config refers to values not yet known".into(),
        Reason::ReadBecauseDependencyPending => {
            "depends on a resource or a module with changes pending".into()
        }
        Reason::ReadBecauseCheckNested => "config will be reloaded to verify a check block".into(),
        Reason::ReplaceBecauseTainted
        | Reason::ReplaceBecauseCannotUpdate
        | Reason::ReplaceByRequest
        | Reason::ReplaceByTriggers => return None,
    })
}

/// The key of an instance in its brackets.
fn key(address: &engine::Address) -> String {
    match &address.key {
        None => String::new(),
        Some(engine::Key::Index(index)) => format!("[{index}]"),
        Some(engine::Key::Name(name)) => format!("[{}]", super::quote::quoted(name)),
    }
}

fn body(change: &ResourceChange, paint: Paint) -> String {
    let word = if change.address.mode == Mode::Data { "data" } else { "resource" };
    let head = format!(
        "{} {word} \"{}\" \"{}\" {{",
        sign(change.action, paint),
        change.address.kind,
        change.address.name
    );
    let nothing = Value::null(Type::Dynamic);
    let is_deletion = matches!(change.action, Action::Delete);
    let after = if is_deletion { &nothing } else { &change.after };
    let loose = Loose::of(&change.provider, &change.address);
    let lines = Differences::new(paint, &change.replace_paths).object(&change.before, after, 6, &loose);
    let mut out = format!("{head}\n");
    for line in lines {
        out.push_str(&line);
        out.push('\n');
    }
    out + "    }\n"
}

/// Outputs that change, names aligned.
#[must_use]
pub fn outputs(outputs: &[&OutputChange], paint: Paint) -> String {
    let width = outputs.iter().map(|output| output.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for output in outputs {
        let hide = |value: &Option<Value>| {
            value.clone().map(|value| {
                if output.is_sensitive { value.with_marks(value::Marks::SENSITIVE) } else { value }
            })
        };
        let (before, after) = (hide(&output.before), hide(&output.after));
        let lines =
            Differences::new(paint, &[]).named(&output.name, width, before.as_ref(), after.as_ref(), 2);
        text.push_str(&lines.join("\n"));
        text.push('\n');
    }
    text
}
