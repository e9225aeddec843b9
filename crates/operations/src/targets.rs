//! That a target of the infrastructure names something: what is described, or what was made.

use diag::{Diagnostic, closest};
use engine::{Address, ModulePath, Snapshot, Target};
use lang::configuration::Tree;

use crate::Fault;

/// That each target names something.
pub(crate) fn check(targets: &[Target], tree: &Tree, snapshot: &Snapshot) -> Result<(), Fault> {
    for target in targets {
        let (module, resource) = match target {
            Target::Module(module) => (module, None),
            Target::Resource(address) => (&address.module, Some(address)),
        };
        let is_described = tree.nodes.iter().any(|node| {
            let resources = &node.configuration.resources;
            is_same(module, &node.path)
                && resource.is_none_or(|wanted| {
                    resources.iter().any(|it| is_of(wanted, it.mode, &it.kind.name, &it.name.name))
                })
        });
        let is_made = snapshot.rows.iter().any(|row| {
            let address = &row.address;
            let steps = address.module.0.iter().map(|step| &step.name);
            let wanted: Vec<_> = module.0.iter().map(|step| &step.name).collect();
            match resource {
                None => steps.take(wanted.len()).eq(wanted),
                Some(resource) => {
                    steps.eq(wanted) && is_of(resource, address.mode, address.kind.as_str(), &address.name)
                }
            }
        });
        if !is_described && !is_made {
            return Err(unknown(target, tree));
        }
    }
    Ok(())
}

fn is_same(module: &ModulePath, path: &[std::sync::Arc<str>]) -> bool {
    module.0.iter().map(|step| &step.name).eq(path.iter())
}

fn is_of(wanted: &Address, mode: engine::Mode, kind: &str, name: &str) -> bool {
    (wanted.mode, wanted.kind.as_str(), wanted.name.as_ref()) == (mode, kind, name)
}

fn unknown(target: &Target, tree: &Tree) -> Fault {
    let mut known: Vec<String> = Vec::new();
    for node in &tree.nodes {
        let path: String = node.path.iter().map(|name| format!("module.{name}.")).collect();
        let is_root = path.is_empty();
        if !is_root {
            known.push(path.trim_end_matches('.').to_owned());
        }
        for resource in node.configuration.resources.iter().filter(|it| it.mode == engine::Mode::Managed) {
            known.push(format!("{path}{}.{}", resource.kind.name, resource.name.name));
        }
    }
    let text = target.to_string();
    let stack =
        |text: &str| text.strip_prefix("module.").map_or_else(|| text.to_owned(), |it| format!("stack.{it}"));
    let fault = Diagnostic::error("usage", format!("there is nothing that `{}` names", stack(&text)));
    Fault::Usage(
        match closest(&text, known.iter().map(String::as_str)) {
            Some(meant) => fault.hint(format!("did you mean `{}`?", stack(meant))),
            None => fault.hint("`mainstay plan` shows all addresses"),
        }
        .into(),
    )
}
