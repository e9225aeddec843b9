//! States in a bucket and in a database, by the `backend` block: for a folder of Terraform's and for a project, with what Terraform had
//! there before.

use serde_json::{Value as Json, json};
use testkit::servers::{BUCKET, Moto, Postgres};

use crate::folder::Folder;
use crate::project::Project;

/// A state of one object, as Terraform writes it.
fn document(serial: u64) -> String {
    json!({
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": serial,
        "lineage": "3f2f4a3c-2f6c-2b6d-6f7a-0d8f8d5f6f10",
        "outputs": { "id": { "value": "from-terraform", "type": "string" } },
        "resources": [{
            "mode": "managed",
            "type": "terraform_data",
            "name": "a",
            "provider": "provider[\"terraform.io/builtin/terraform\"]",
            "instances": [{
                "schema_version": 0,
                "attributes": {
                    "id": "from-terraform",
                    "input": { "value": "one", "type": "string" },
                    "output": { "value": "one", "type": "string" },
                    "triggers_replace": null
                },
                "sensitive_attributes": []
            }]
        }],
        "check_results": null
    })
    .to_string()
}

const RESOURCE: &str = "resource \"terraform_data\" \"a\" {\n  input = \"one\"\n}\n\
                        output \"id\" {\n  value = terraform_data.a.id\n}\n";

fn bucket(moto: &Moto, key: &str) -> String {
    format!(
        "terraform {{\n  backend \"s3\" {{\n    bucket         = \"{BUCKET}\"\n    key            = \"{key}\"\n    \
         region         = \"us-east-1\"\n    access_key     = \"test\"\n    secret_key     = \"test\"\n    \
         use_path_style = true\n    endpoints      = {{ s3 = \"http://127.0.0.1:{}\" }}\n  }}\n}}\n",
        moto.port()
    )
}

#[test]
fn a_state_in_a_bucket_is_taken_over_and_goes_on_beside_terraforms() {
    let Some(moto) = Moto::start() else { return };
    let key = "team/terraform.tfstate";
    moto.put(&format!("/{BUCKET}/{key}"), document(4).as_bytes());
    let folder = Folder::new(&(bucket(&moto, key) + RESOURCE));

    let planned = folder.run(0, "plan -detailed-exitcode");
    assert!(
        planned.err.contains("took over 1 object from s3://states/team/terraform.tfstate"),
        "{}",
        planned.err
    );
    folder.write("main.tf", &(bucket(&moto, key) + &RESOURCE.replace("one", "two")));
    folder.run(0, "apply -auto-approve");
    assert_eq!(folder.run(0, "output -raw id").out, "from-terraform");
    assert!(!folder.path(".mainstay/state.db").exists(), "nothing of the state is in the folder");

    // Another folder, as on another machine.
    let other = Folder::new(&(bucket(&moto, key) + &RESOURCE.replace("one", "two")));
    other.run(0, "plan -detailed-exitcode");
    other.run(0, "workspace new stage");
    other.run(2, "plan -detailed-exitcode");
    assert!(folder.run(0, "workspace list").out.contains("  stage"));

    // Somebody runs Terraform on its own state, or is at it.
    moto.put(
        &format!("/{BUCKET}/{key}.tflock"),
        br#"{"ID":"1-2","Operation":"OperationTypeApply","Who":"ann@laptop"}"#,
    );
    let locked = folder.run(1, "apply -auto-approve");
    assert!(locked.err.contains("Terraform is at work on this state"), "{}", locked.err);
    assert!(locked.err.contains("ann@laptop"), "{}", locked.err);
    moto.put(&format!("/{BUCKET}/{key}"), document(5).as_bytes());
    let two = folder.run(1, "plan");
    assert!(
        two.err.contains("Terraform wrote s3://states/team/terraform.tfstate beside our own state"),
        "{}",
        two.err
    );
}

#[test]
fn what_a_block_leaves_out_is_given_when_the_folder_is_prepared() {
    let Some(moto) = Moto::start() else { return };
    let whole = bucket(&moto, "part.tfstate");
    let part: String =
        whole.lines().filter(|line| !line.starts_with("    key ")).map(|line| format!("{line}\n")).collect();
    let folder = Folder::new(&(part + RESOURCE));
    let missing = folder.run(1, "init");
    assert!(missing.err.contains("key: the backend \"s3\" cannot be used"), "{}", missing.err);
    folder.write("more.hcl", "key = \"given/x.tfstate\"\n");
    folder.run(0, "init -backend-config=more.hcl");
    folder.run(0, "apply -auto-approve");
    let keys: Vec<String> = moto.objects().into_iter().map(|(key, _)| key).collect();
    assert!(
        keys.iter().any(|key| key.starts_with("given/x.tfstate.mainstay/environments/default/")),
        "{keys:?}"
    );
    // A later preparation without the flag changes nothing; one from the start forgets it.
    folder.run(0, "init");
    folder.run(1, "init -reconfigure");
}

#[test]
fn a_wrong_setting_of_a_backend_is_told_at_its_place() {
    let folder =
        Folder::new("terraform {\n  backend \"s3\" {\n    bukcet = \"x\"\n    key    = \"k\"\n  }\n}\n");
    let wrong = folder.run(1, "plan");
    assert!(wrong.err.contains("main.tf:3") && wrong.err.contains("did you mean `bucket`?"), "{}", wrong.err);
    let folder = Folder::new("terraform {\n  backend \"azurerm\" {\n  }\n}\n");
    let wrong = folder.run(1, "plan");
    assert!(wrong.err.contains("the backend \"azurerm\" is not supported"), "{}", wrong.err);
    assert!(wrong.err.contains("main.tf:2"), "{}", wrong.err);
}

#[test]
fn a_project_keeps_its_environments_in_a_database_and_another_machine_sees_them() {
    let Some(postgres) = Postgres::start() else { return };
    let main = format!(
        "project {{\n  name = \"shop\"\n}}\nterraform {{\n  backend \"pg\" {{\n    conn_str    = \"{}\"\n    \
         schema_name = \"shop\"\n  }}\n}}\nenvironment \"prod\" {{}}\n{RESOURCE}",
        postgres.url
    );
    let project = Project::new(&main);
    project.run(&["apply", "--env", "prod", "--yes"]).exits(0);
    assert!(!project.path().join(".mainstay/state.db").exists(), "nothing of the state is in the folder");
    let other = Project::new(&main);
    let planned = other.run(&["plan", "prod", "--json", "--detailed-exitcode"]).exits(0);
    let plan: Json = serde_json::from_str(planned.out.lines().last().unwrap_or_default()).expect("JSON");
    assert_eq!(plan["infrastructure"]["resource_changes"][0]["change"]["actions"], json!(["no-op"]));
    other.run(&["plan", "dev", "--detailed-exitcode"]).exits(2);
    let history = other.run(&["history", "--env", "prod"]).exits(0);
    assert!(history.out.contains("succeeded"), "{}", history.out);
}
