//! A plan, for people.

use engine::stack::StackPlan;
use engine::{Action, Change, DifferenceKind, Plan};
use operations::Planned;
use value::{Marks, Value};

use super::{Paint, Screen};

/// Prints a plan: what would be done to the infrastructure, then to the services.
pub fn plan(screen: &Screen, planned: &Planned) {
    if screen.json {
        screen.data(&whole(planned));
        return;
    }
    if let Some(infrastructure) = &planned.infrastructure {
        super::warnings(screen, &infrastructure.warnings, &infrastructure.stack.sources);
        let text = terraform::plan_changes(&infrastructure.plan, terraform::Paint(screen.has_colours()));
        if text.is_empty() {
            screen.line("Nothing to change in the infrastructure.");
        } else {
            screen.line(text.trim_end());
            screen.line("");
            let summary = terraform::plan_summary(&infrastructure.plan);
            screen.line(&format!("Infrastructure:{summary}"));
        }
        let has_services = !planned.plan.changes.is_empty() || planned.plan.has_changes();
        if !has_services {
            return;
        }
        screen.line("");
    }
    services(screen, &planned.plan);
}

/// The plans of several environments; in JSON one document each.
pub fn plans(screen: &Screen, plans: &[Planned]) {
    for (at, planned) in plans.iter().enumerate() {
        if at > 0 && !screen.json {
            screen.line("");
        }
        if plans.len() > 1 {
            environment(screen, planned.plan.environment.as_str());
        }
        plan(screen, planned);
    }
}

fn services(screen: &Screen, plan: &Plan) {
    for settled in &plan.settled {
        screen.line(&format!("settled  {}: {}", settled.address, settled.explanation));
    }
    let mut any = false;
    for c in plan.changes.iter().filter(|c| c.action != Action::None || !c.differences.is_empty()) {
        any = true;
        change(screen, c);
    }
    for output in &plan.outputs {
        let text = |v: &Option<engine::Sealed>| v.as_ref().map(|v| v.0.to_string());
        let (before, after) = (text(&output.before), text(&output.after));
        if before != after {
            let arrow = arrow(before.as_deref(), after.as_deref());
            screen.line(&format!("  output {} {arrow}", output.name));
            any = true;
        }
    }
    if any {
        screen.line("");
    }
    screen.line(&summary(screen, plan));
}

/// Prints a plan that is about to be applied: with `--json` as one event among others.
pub fn plan_before_apply(screen: &Screen, planned: &Planned) {
    if screen.json {
        screen.data(&serde_json::json!({ "event": "planned", "plan": whole(planned) }));
    } else {
        plan(screen, planned);
    }
}

/// The same of several environments; in JSON one document each.
pub fn plans_before_apply(screen: &Screen, plans: &[Planned]) {
    for (at, planned) in plans.iter().enumerate() {
        if at > 0 && !screen.json {
            screen.line("");
        }
        if plans.len() > 1 {
            environment(screen, planned.plan.environment.as_str());
        }
        plan_before_apply(screen, planned);
    }
}

/// What follows is of this environment. JSON names it by itself.
pub fn environment(screen: &Screen, name: &str) {
    if !screen.json {
        screen.line(&screen.paint(Paint::Strong, &format!("Environment {name}")));
    }
}

/// The plan as data; what would be done to the infrastructure in Terraform's format.
fn whole(planned: &Planned) -> serde_json::Value {
    let mut all = data(&planned.plan);
    if let (Some(infrastructure), Some(map)) = (&planned.infrastructure, all.as_object_mut()) {
        let plan = without_secrets(&infrastructure.plan);
        map.insert("infrastructure".into(), terraform::plan_json(&plan));
    }
    all
}

/// A plan as it may be printed: Terraform's format has secrets in clear, and names them besides.
fn without_secrets(plan: &StackPlan) -> StackPlan {
    let hidden = Value::string("(sensitive value)").with_marks(Marks::SENSITIVE);
    let mut plan = plan.clone();
    for change in plan.changes.iter_mut().chain(&mut plan.drift) {
        change.before = change.before.redact(&hidden);
        change.after = change.after.redact(&hidden);
    }
    for value in plan.variables.values_mut() {
        *value = value.redact(&hidden);
    }
    // What was there before is in the changes.
    plan.prior.clear();
    plan.prior_outputs.clear();
    plan
}

fn change(screen: &Screen, change: &Change) {
    let (sign, paint) = match change.action {
        Action::Create => ("+", Paint::Good),
        Action::Update => ("~", Paint::Change),
        Action::Delete => ("-", Paint::Bad),
        Action::None => (" ", Paint::Faint),
    };
    let reason = change.reason.as_ref().map(|r| format!("  ({r})")).unwrap_or_default();
    screen.line(&format!(
        "{} {}{reason}",
        screen.paint(paint, sign),
        screen.paint(Paint::Strong, &change.address.to_string())
    ));
    let width = change.differences.iter().map(|d| d.path.chars().count()).max().unwrap_or(0);
    for difference in &change.differences {
        let owner = match difference.kind {
            DifferenceKind::Ours => "",
            DifferenceKind::Drift => "  # drift: changed since it was last written",
            DifferenceKind::Foreign => "  # foreign: somebody else set it",
        };
        let (before, after) =
            (difference.before.as_deref().map(shorter), difference.after.as_deref().map(shorter));
        let arrow = arrow(before.as_deref(), after.as_deref());
        let padding = " ".repeat(width - difference.path.chars().count());
        screen.line(&format!(
            "    {}{padding}  {arrow}{}",
            difference.path,
            screen.paint(Paint::Faint, owner)
        ));
    }
}

/// Digests as people compare them, by their first 12 digits; `--json` has them whole.
fn shorter(text: &str) -> String {
    const SIGN: &str = "sha256:";
    const SHOWN: usize = 12;
    let mut shorter = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(SIGN) {
        let (before, digest) = rest.split_at(at + SIGN.len());
        let digits = digest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digest.len());
        shorter.push_str(before);
        shorter.push_str(&digest[..digits.min(SHOWN)]);
        rest = &digest[digits..];
    }
    shorter + rest
}

fn arrow(before: Option<&str>, after: Option<&str>) -> String {
    match (before, after) {
        (None, Some(after)) => after.to_owned(),
        (Some(before), None) => format!("{before} -> (gone)"),
        (Some(before), Some(after)) => format!("{before} -> {after}"),
        (None, None) => String::new(),
    }
}

fn summary(screen: &Screen, plan: &Plan) -> String {
    if !plan.has_changes() {
        let same = plan.count(Action::None);
        return format!("Nothing to change in {}: {same} of {same} as described.", plan.environment);
    }
    let parts: Vec<String> = [
        (Action::Create, "to create", Paint::Good),
        (Action::Update, "to change", Paint::Change),
        (Action::Delete, "to delete", Paint::Bad),
    ]
    .into_iter()
    .filter(|(action, ..)| plan.count(*action) > 0)
    .map(|(action, word, paint)| screen.paint(paint, &format!("{} {word}", plan.count(action))))
    .collect();
    format!("Plan for {}: {}, {} unchanged.", plan.environment, parts.join(", "), plan.count(Action::None))
}

/// The plan as data, its sensitive values left out.
fn data(plan: &Plan) -> serde_json::Value {
    let hidden = value::Value::string("(sensitive value)");
    let shown = |v: &Option<engine::Sealed>| {
        v.as_ref().map(|v| {
            let known = v
                .0
                .redact(&hidden)
                .transform(&mut |v| if v.is_known() { v } else { value::Value::null(value::Type::Dynamic) });
            value::to_json(&known)
        })
    };
    let changes = plan.changes.iter().map(|c| {
        serde_json::json!({
            "address": c.address, "action": c.action, "reason": c.reason, "differences": c.differences,
            "before": shown(&c.before), "after": shown(&c.after), "depends_on": c.depends_on,
        })
    });
    let outputs = plan
        .outputs
        .iter()
        .map(|o| serde_json::json!({ "name": o.name, "before": shown(&o.before), "after": shown(&o.after) }));
    serde_json::json!({
        "format": plan.format, "project": plan.project, "environment": plan.environment,
        "created_at_ms": plan.created_at_ms, "base_serial": plan.base_serial, "configuration": plan.configuration,
        "releases": plan.releases, "changes": changes.collect::<Vec<_>>(), "outputs": outputs.collect::<Vec<_>>(),
        "settled": plan.settled,
        "summary": {
            "create": plan.count(Action::Create), "update": plan.count(Action::Update),
            "delete": plan.count(Action::Delete), "none": plan.count(Action::None),
        },
    })
}
