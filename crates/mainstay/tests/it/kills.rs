//! An apply that is killed at any moment: what it had made stays known, and the next one goes on from there.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value as Json;

use crate::folder::Folder;

/// A row of objects that are made one after the other, and many beside each other; each writes its number down when it is made.
const MAIN: &str = r#"
resource "terraform_data" "first" {
  input = "first"
}
resource "terraform_data" "many" {
  count = 60
  input = "${terraform_data.first.id}-${count.index}"
}
resource "terraform_data" "slow" {
  count = 4
  input = terraform_data.many[count.index].id
  provisioner "local-exec" {
    command = "echo ${self.id} >> made.txt"
  }
}
resource "terraform_data" "last" {
  input = terraform_data.slow[*].id
}
"#;

/// The ids of all objects by address.
fn objects(folder: &Folder) -> BTreeMap<String, String> {
    let shown: Json = serde_json::from_str(&folder.run(0, "show -json").out).expect("JSON");
    let resources = shown["values"]["root_module"]["resources"].as_array().cloned().unwrap_or_default();
    let told =
        |it: &Json| Some((it["address"].as_str()?.to_owned(), it["values"]["id"].as_str()?.to_owned()));
    resources.iter().filter_map(told).collect()
}

#[test]
fn what_was_made_before_a_kill_is_known_and_the_rest_follows() {
    // From before anything is written to after everything is.
    let mut met_the_middle = 0;
    for step in 0..24u64 {
        let folder = Folder::new(MAIN);
        let mut command = folder.command(Path::new(env!("CARGO_BIN_EXE_mainstay")));
        command.args(["terraform", "apply", "-auto-approve"]).stdin(Stdio::null());
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
        std::thread::sleep(Duration::from_millis(5 + 8 * step));
        // SIGKILL: nothing is ended in order.
        run.kill().expect("a kill");
        run.wait().expect("its end");

        let before = objects(&folder);
        folder.run(0, "apply -auto-approve");
        let after = objects(&folder);
        assert_eq!(after.len(), 66, "killed after step {step}");
        if !before.is_empty() && before.len() < 66 {
            met_the_middle += 1;
        }
        // What failed in its provisioner, or was killed in it, is tainted and made anew; nothing else changes its identity.
        for (address, id) in
            before.iter().filter(|(address, _)| !address.contains("slow") && !address.contains("last"))
        {
            assert_eq!(after.get(address), Some(id), "{address} was made twice, killed after step {step}");
        }
        let made = folder.read("made.txt");
        for (address, id) in after.iter().filter(|(address, _)| address.contains("slow")) {
            assert!(made.contains(id.as_str()), "{address} was never provisioned, killed after step {step}");
        }
        folder.run(0, "plan -detailed-exitcode");
    }
    println!("{met_the_middle} of 24 kills met an apply in its middle");
    assert!(met_the_middle > 0, "no kill met an apply in its middle");
}
