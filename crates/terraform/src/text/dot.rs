//! Graphs in the language of Graphviz.

use std::collections::BTreeMap;

use engine::{Address, ModulePath};
use operations::stack::{GraphNode, StackGraph};

use crate::json::resource::terraform_order;

/// Text between quotes, as Graphviz reads it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Resources, each in the box of its module.
#[must_use]
pub fn resources(graph: &StackGraph) -> String {
    let addresses: Vec<&Address> = graph
        .nodes
        .iter()
        .filter_map(|node| match node {
            GraphNode::Resource(address) => Some(address),
            GraphNode::Provider(_) | GraphNode::Value(_) => None,
        })
        .collect();
    let mut modules: BTreeMap<&ModulePath, Vec<&Address>> = BTreeMap::new();
    for address in &addresses {
        modules.entry(&address.module).or_default().push(address);
    }
    let mut out =
        "digraph G {\n  rankdir = \"RL\";\n  node [shape = rect, fontname = \"sans-serif\"];\n".to_owned();
    for (module, mut inside) in modules {
        inside.sort_by(|a, b| terraform_order(a, b));
        let indent = if module.is_root() { "  " } else { "    " };
        if !module.is_root() {
            let cluster = quoted(&format!("cluster_{module}"));
            let label = quoted(&module.to_string());
            out.push_str(&format!(
                "  subgraph {cluster} {{\n    label = {label}\n    fontname = \"sans-serif\"\n"
            ));
        }
        for address in inside {
            let (name, label) = (address.to_string(), address.in_module().to_string());
            out.push_str(&format!("{indent}{} [label={}];\n", quoted(&name), quoted(&label)));
        }
        if !module.is_root() {
            out.push_str("  }\n");
        }
    }
    let mut edges: Vec<(&Address, &Address)> = graph
        .edges
        .iter()
        .filter_map(|(from, to)| Some((*addresses.get(*from)?, *addresses.get(*to)?)))
        .collect();
    edges.sort_by(|a, b| terraform_order(a.0, b.0).then_with(|| terraform_order(a.1, b.1)));
    for (from, to) in edges {
        out.push_str(&format!("  {} -> {};\n", quoted(&from.to_string()), quoted(&to.to_string())));
    }
    out + "}\n"
}

/// Steps of an operation. `end`: what stands behind the name of each resource.
#[must_use]
pub fn steps(graph: &StackGraph, end: &str) -> String {
    let name = |node: &GraphNode| match node {
        GraphNode::Resource(address) => quoted(&format!("[root] {address}{end}")),
        GraphNode::Provider(text) => quoted(&format!("[root] {text}")),
        GraphNode::Value(text) => quoted(&format!("[root] {text}{end}")),
    };
    let mut lines: Vec<String> = graph
        .nodes
        .iter()
        .filter_map(|node| match node {
            GraphNode::Resource(address) => Some((name(node), quoted(&address.to_string()), "box")),
            GraphNode::Provider(text) => Some((name(node), quoted(text), "diamond")),
            GraphNode::Value(_) => None,
        })
        .map(|(name, label, shape)| format!("\t\t{name} [label = {label}, shape = \"{shape}\"]\n"))
        .collect();
    lines.sort();
    let mut edges: Vec<String> = graph
        .edges
        .iter()
        .filter_map(|(from, to)| Some((graph.nodes.get(*from)?, graph.nodes.get(*to)?)))
        .map(|(from, to)| format!("\t\t{} -> {}\n", name(from), name(to)))
        .collect();
    edges.sort();
    lines.extend(edges);
    format!(
        "digraph {{\n\tcompound = \"true\"\n\tnewrank = \"true\"\n\tsubgraph \"root\" {{\n{}\t}}\n}}\n",
        lines.concat()
    )
}
