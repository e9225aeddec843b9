//! How two environments differ, for people.

use operations::{Comparison, ValueDifference};

use super::{Paint, Screen};

/// Prints a comparison.
pub fn comparison(screen: &Screen, comparison: &Comparison) {
    if screen.json {
        screen.data(comparison);
        return;
    }
    let Comparison { from, to, objects, same } = comparison;
    for object in objects {
        let sign = match &object.only_in {
            Some(name) if name == from => screen.paint(Paint::Bad, "-"),
            Some(_) => screen.paint(Paint::Good, "+"),
            None => screen.paint(Paint::Change, "~"),
        };
        let only = object.only_in.as_ref().map(|name| format!("  only in {name}")).unwrap_or_default();
        screen.line(&format!("{sign} {}{only}", screen.paint(Paint::Strong, &object.address.to_string())));
        lines(screen, &object.described, "");
        lines(screen, &object.made, "  # described the same");
    }
    if !objects.is_empty() {
        screen.line("");
    }
    let differ = objects.len();
    screen.line(&match differ {
        0 => format!("{from} and {to} are the same: {same} objects."),
        _ => format!(
            "{from} and {to}: {differ} {}, {same} {} the same.",
            if differ == 1 { "differs" } else { "differ" },
            if *same == 1 { "is" } else { "are" }
        ),
    });
}

fn lines(screen: &Screen, differences: &[ValueDifference], note: &str) {
    let width = differences.iter().map(|it| it.path.chars().count()).max().unwrap_or(0);
    for it in differences {
        let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "(none)".to_owned());
        let padding = " ".repeat(width - it.path.chars().count());
        let note = screen.paint(Paint::Faint, note);
        screen.line(&format!("    {}{padding}  {}  |  {}{note}", it.path, text(&it.from), text(&it.to)));
    }
}
