//! Configurations of many `terraform_data`, and the state of Terraform's version 4 that has them all already. Writes files; runs
//! nothing.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// How the resources are written down. The size is that of all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A block for each.
    Blocks,
    /// One block with `count`.
    Count,
    /// A block for each; the second half refers to the first, each to one.
    Pairs,
    /// Two blocks with `count`; each instance of the second refers to the one of the first that has its index.
    CountPairs,
    /// Calls of a module of ten.
    Modules,
}

const VARIABLE: &str = "variable \"level\" {\n  default = \"info\"\n}\n";
const IN_A_MODULE: usize = 10;

impl Shape {
    /// How many resources there are at a size that may not divide evenly.
    pub fn resources(self, size: usize) -> usize {
        match self {
            Self::Blocks | Self::Count => size,
            Self::Pairs | Self::CountPairs => size / 2 * 2,
            Self::Modules => size / IN_A_MODULE * IN_A_MODULE,
        }
    }

    /// Writes the configuration into a folder that is there.
    pub fn write(self, folder: &Path, size: usize) -> Result<()> {
        let mut text = String::from(VARIABLE);
        match self {
            Self::Blocks => {
                (0..size)
                    .for_each(|n| block(&mut text, &format!("s{n}"), "", &input(&format!("service-{n}"))));
            }
            Self::Count => {
                block(&mut text, "s", &format!("  count = {size}\n"), &input("service-${count.index}"));
            }
            Self::Pairs => {
                for n in 0..size / 2 {
                    block(&mut text, &format!("a{n}"), "", &input(&format!("service-{n}")));
                    block(&mut text, &format!("b{n}"), "", &format!("terraform_data.a{n}.output"));
                }
            }
            Self::CountPairs => {
                let count = format!("  count = {}\n", size / 2);
                block(&mut text, "a", &count, &input("service-${count.index}"));
                block(&mut text, "b", &count, "terraform_data.a[count.index].output");
            }
            Self::Modules => {
                for n in 0..size / IN_A_MODULE {
                    let _ = write!(
                        text,
                        "module \"m{n}\" {{\n  source = \"./ten\"\n  level  = var.level\n  group  = \"group-{n}\"\n}}\n"
                    );
                }
                write_module(&folder.join("ten"))?;
            }
        }
        fs::write(folder.join("main.tf"), text).context("the configuration could not be written")
    }

    /// Writes the state in which there is nothing to change.
    pub fn write_state(self, folder: &Path, size: usize) -> Result<()> {
        let mut file = BufWriter::new(File::create(folder.join("terraform.tfstate"))?);
        serde_json::to_writer(&mut file, &State::of(self.rows(size)))?;
        file.flush().context("the state could not be written")
    }

    fn rows(self, size: usize) -> Vec<Resource> {
        let half = size / 2;
        let service = |n| Instance::new(n, format!("service-{n}"));
        // Of the second of a pair: it has the first one's output.
        let second = |n, first: String| Instance {
            dependencies: vec![first],
            ..Instance::new(half + n, format!("service-{n}"))
        };
        match self {
            Self::Blocks => (0..size).map(|n| Resource::new(format!("s{n}"), vec![service(n)])).collect(),
            Self::Count => {
                vec![Resource::new("s".into(), (0..size).map(|n| service(n).at(n)).collect())]
            }
            Self::Pairs => {
                let firsts = (0..half).map(|n| Resource::new(format!("a{n}"), vec![service(n)]));
                let seconds = (0..half)
                    .map(|n| Resource::new(format!("b{n}"), vec![second(n, format!("terraform_data.a{n}"))]));
                firsts.chain(seconds).collect()
            }
            Self::CountPairs => {
                let firsts = (0..half).map(|n| service(n).at(n)).collect();
                let seconds = (0..half).map(|n| second(n, "terraform_data.a".into()).at(n)).collect();
                vec![Resource::new("a".into(), firsts), Resource::new("b".into(), seconds)]
            }
            Self::Modules => (0..self.resources(size))
                .map(|n| {
                    let (group, at) = (n / IN_A_MODULE, n % IN_A_MODULE);
                    let instance = Instance::new(n, format!("group-{group}-{at}"));
                    let resource = Resource::new(format!("s{at}"), vec![instance]);
                    Resource { module: Some(format!("module.m{group}")), ..resource }
                })
                .collect(),
        }
    }
}

fn write_module(folder: &Path) -> Result<()> {
    let mut text = String::from("variable \"level\" {}\nvariable \"group\" {}\n");
    for at in 0..IN_A_MODULE {
        block(&mut text, &format!("s{at}"), "", &input(&format!("${{var.group}}-{at}")));
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("main.tf"), text).context("the module could not be written")
}

fn block(text: &mut String, name: &str, meta: &str, input: &str) {
    let _ = write!(text, "resource \"terraform_data\" \"{name}\" {{\n{meta}  input = {input}\n}}\n");
}

fn input(label: &str) -> String {
    format!("{{ level = var.level, name = \"{label}\" }}")
}

#[derive(Serialize)]
struct State {
    version: u8,
    terraform_version: &'static str,
    serial: u64,
    lineage: &'static str,
    outputs: serde_json::Map<String, serde_json::Value>,
    resources: Vec<Resource>,
    check_results: Option<()>,
}

#[derive(Serialize)]
struct Resource {
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<String>,
    mode: &'static str,
    r#type: &'static str,
    name: String,
    provider: &'static str,
    instances: Vec<Instance>,
}

#[derive(Serialize)]
struct Instance {
    #[serde(skip_serializing_if = "Option::is_none")]
    index_key: Option<usize>,
    schema_version: u8,
    attributes: Attributes,
    sensitive_attributes: [(); 0],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<String>,
}

#[derive(Serialize)]
struct Attributes {
    id: String,
    input: Dynamic,
    output: Dynamic,
    triggers_replace: Option<()>,
}

/// A value whose type stands beside it, as the schema of `terraform_data` leaves it open.
#[derive(Serialize)]
struct Dynamic {
    value: Labels<String>,
    r#type: (&'static str, Labels<&'static str>),
}

#[derive(Serialize)]
struct Labels<T> {
    level: T,
    name: T,
}

impl State {
    fn of(resources: Vec<Resource>) -> Self {
        Self {
            version: 4,
            terraform_version: "1.11.4",
            serial: 1,
            lineage: "00000000-0000-0000-0000-000000000000",
            outputs: serde_json::Map::new(),
            resources,
            check_results: None,
        }
    }
}

impl Resource {
    fn new(name: String, instances: Vec<Instance>) -> Self {
        Self {
            module: None,
            mode: "managed",
            r#type: "terraform_data",
            name,
            provider: "provider[\"terraform.io/builtin/terraform\"]",
            instances,
        }
    }
}

impl Instance {
    /// `number` tells it from all others.
    fn new(number: usize, label: String) -> Self {
        let attributes = Attributes {
            id: format!("00000000-0000-0000-0000-{number:012}"),
            input: Dynamic::of(label.clone()),
            output: Dynamic::of(label),
            triggers_replace: None,
        };
        Self {
            index_key: None,
            schema_version: 0,
            attributes,
            sensitive_attributes: [],
            dependencies: Vec::new(),
        }
    }

    fn at(self, index: usize) -> Self {
        Self { index_key: Some(index), ..self }
    }
}

impl Dynamic {
    fn of(label: String) -> Self {
        Self {
            value: Labels { level: "info".into(), name: label },
            r#type: ("object", Labels { level: "string", name: "string" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;
    use crate::terraform::Terraform;

    #[test]
    fn the_oracle_finds_nothing_to_change_in_the_state_of_each_shape() {
        let Some(oracle) = Terraform::oracle() else {
            eprintln!("skipped: there is no `terraform`");
            return;
        };
        let shapes = [Shape::Blocks, Shape::Count, Shape::Pairs, Shape::CountPairs, Shape::Modules];
        for shape in shapes {
            let folder = tempfile::tempdir().unwrap();
            shape.write(folder.path(), 25).unwrap();
            shape.write_state(folder.path(), 25).unwrap();
            let init = oracle.command(folder.path(), &["init", "-no-color"]).output().unwrap();
            assert!(init.status.success(), "{shape:?}: {}", String::from_utf8_lossy(&init.stderr));
            let plan = oracle.command(folder.path(), &["plan", "-no-color"]).output().unwrap();
            let text = String::from_utf8_lossy(&plan.stdout);
            assert!(text.contains("No changes."), "{shape:?}: {text}");
        }
    }
}
