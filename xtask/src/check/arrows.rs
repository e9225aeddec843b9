//! A crate uses only crates of lower floors. The floors are read from the table in `ARCHITECTURE.md`, so that the drawing is true.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::house;

pub fn check() -> Result<()> {
    let drawing = fs::read_to_string(house::root().join("ARCHITECTURE.md"))
        .context("ARCHITECTURE.md cannot be read")?;
    let floors = floors(&drawing);
    let mut faults = Vec::new();
    for entry in fs::read_dir(house::root().join("crates")).context("crates/ cannot be read")? {
        let folder = entry?.path();
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let manifest = fs::read_to_string(folder.join("Cargo.toml"))
            .with_context(|| format!("crates/{name}/Cargo.toml"))?;
        let Some(floor) = floors.get(&name) else {
            faults.push(format!("crates/{name} is not in the table of floors in ARCHITECTURE.md"));
            continue;
        };
        for used in dependencies(&manifest) {
            match (floor, floors.get(&used)) {
                (_, None) => {}
                (Floor::Above, Some(_)) => {}
                (Floor::At(_), Some(Floor::Above)) => {
                    faults.push(format!("`{name}` uses `{used}`, on which nothing may depend"))
                }
                (Floor::At(own), Some(Floor::At(other))) if other >= own => {
                    faults.push(format!(
                        "`{name}` (floor {own}) uses `{used}` (floor {other}): the arrow points up"
                    ));
                }
                (Floor::At(_), Some(Floor::At(_))) => {}
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

#[derive(Debug, PartialEq)]
enum Floor {
    At(u32),
    /// Tests, chores and examples: they may use anything, nothing may use them.
    Above,
}

/// Rows such as `| 2 | \`engine\` | …` and `| - | \`testkit\`, \`xtask\` | …`.
fn floors(drawing: &str) -> BTreeMap<String, Floor> {
    let mut floors = BTreeMap::new();
    for row in drawing.lines() {
        let mut cells = row.split('|').skip(1).map(str::trim);
        let (Some(floor), Some(names)) = (cells.next(), cells.next()) else { continue };
        for name in names.split('`').skip(1).step_by(2) {
            match floor.parse() {
                Ok(number) => floors.insert(name.to_owned(), Floor::At(number)),
                Err(_) if floor == "-" => floors.insert(name.to_owned(), Floor::Above),
                Err(_) => None,
            };
        }
    }
    floors
}

/// Names under `[dependencies]` and `[build-dependencies]`; tests may use what they like.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.starts_with("dependencies]") || section.starts_with("build-dependencies]");
        } else if inside && let Some((name, _)) = line.split_once('=') {
            names.push(name.trim().trim_end_matches(".workspace").to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_read_from_the_drawing_and_tests_may_use_anything() {
        let floors =
            floors("| floor | crate |\n|---|---|\n| 0 | `value` | x |\n| - | `testkit`, `xtask` | |\n");
        assert_eq!(floors.get("value"), Some(&Floor::At(0)));
        assert_eq!(floors.get("xtask"), Some(&Floor::Above));
        let manifest = "[dependencies]\nvalue = { workspace = true }\nserde.workspace = true\n[dev-dependencies]\ntestkit = 1\n";
        assert_eq!(dependencies(manifest), ["value", "serde"]);
    }
}
