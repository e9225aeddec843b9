//! The conformance corpus (`tests/terraform/`), replayed: `mainstay terraform` answers what Terraform 1.11.4 was recorded to answer.
//!
//! It needs no Terraform and no network. What the oracle says is not known here beyond the recordings: `record.py` makes them, and
//! these modules do with our binary what it does with `terraform`. What is known to differ is listed in `not-yet.txt`.
//!
//! For work on a difference:
//!
//! - `MAINSTAY_REPLAY=moved/chain cargo nextest run -p mainstay terraform` replays only that case (`moved`: that theme;
//!   `broken/NAME`; `fmt`), without the list and with all of its differences.
//! - `MAINSTAY_REPLAY_KEEP=1` keeps the folder and prints where it is. Beside it is what each command said, and our answer as
//!   it is compared: `1.json` of the first run.
//! - `MAINSTAY_REPLAY_SUMMARIES=1` prints the diagnostics that are at the right place in other words, which is no fault.
//! - `MAINSTAY_REPLAY_ORACLE=1` runs `terraform` instead of our binary: then everything must be the same, or the replay is wrong.
//!
//! Every run leaves the full text of all differences in `target/tmp/terraform-replay/`.

mod broken;
mod cases;
mod comparison;
mod difference;
mod faults;
mod folder;
mod formatting;
mod judgement;
mod normal;
mod program;
mod runs;
mod selection;
mod stream;

use std::path::PathBuf;

use serde_json::Value as Json;

/// The corpus.
fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/terraform")
}

/// A JSON file of the corpus, read as the programs' answers are.
fn recorded(path: &std::path::Path) -> Json {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    normal::read(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The folders in a folder of the corpus, by name.
fn folders(within: &str) -> Vec<String> {
    let entries = std::fs::read_dir(corpus().join(within)).unwrap_or_else(|e| panic!("{within}: {e}"));
    let paths = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
    let mut names: Vec<String> =
        paths.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    names.sort();
    names
}
