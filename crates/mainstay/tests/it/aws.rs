//! The AWS provider over a stand-in for AWS: the account that an environment names.

use crate::project::{Answer, Project};

const MAIN: &str = r#"project {
  name = "accounts"
}
"#;

const RESOURCES: &str = r#"terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}

variable "endpoint" {
  type = string
}

provider "aws" {
  region                      = "eu-west-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true

  assume_role {
    role_arn     = "arn:aws:iam::111111111111:role/deploy"
    session_name = "accounts"
  }

  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }
}

resource "aws_iam_role" "main" {
  name               = "main"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
"#;

fn environment(account: &str) -> String {
    format!(
        "environment \"dev\" {{\n  provider \"aws\" {{\n    accounts = [\"{account}\"]\n    env      = {{ AWS_ACCESS_KEY_ID = \"mock\" }}\n    env_from = {{ AWS_SECRET_ACCESS_KEY = \"STAGE_SECRET\" }}\n  }}\n}}\n"
    )
}

#[test]
fn nothing_is_planned_in_another_account_than_the_environments() {
    let (Some(mirror), Some(moto)) = (testkit::aws::mirror(), testkit::servers::Moto::start()) else {
        println!("skipped: it needs the AWS provider {} and moto_server", testkit::aws::VERSION);
        return;
    };
    let project = Project::empty();
    project.write("mainstay.hcl", MAIN);
    project.write("main.tf", RESOURCES);
    let mirror =
        format!("provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n}}\n");
    project.write("cli.tfrc", &mirror);
    let plan = |secret: Option<&str>| {
        let mut command = project.command(&["plan", "--json"]);
        command.env("TF_CLI_CONFIG_FILE", project.path().join("cli.tfrc"));
        command.env("MAINSTAY_VAR_endpoint", format!("http://127.0.0.1:{}", moto.port()));
        command
            .env("XDG_CACHE_HOME", project.path().join("cache"))
            .env("AWS_SECRET_ACCESS_KEY", "not this one");
        match secret {
            Some(secret) => command.env("STAGE_SECRET", secret),
            None => command.env_remove("STAGE_SECRET"),
        };
        let output = command.output().expect("the program");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Answer { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    };
    project.write("environments/dev.hcl", &environment("222222222222"));
    let lacking = plan(None);
    assert_ne!(lacking.code, Some(0));
    let said = format!("{}{}", lacking.out, lacking.err);
    assert!(said.contains("the environment variable STAGE_SECRET is not set"), "{said}");
    let wrong = plan(Some("mock"));
    assert_ne!(wrong.code, Some(0));
    let said = format!("{}{}", wrong.out, wrong.err);
    assert!(said.contains("Wrong account"), "{said}");
    assert!(said.contains("works in 222222222222") && said.contains("is in 111111111111"), "{said}");
    project.write("environments/dev.hcl", &environment("111111111111"));
    let right = plan(Some("mock"));
    assert!(right.out.contains("aws_iam_role"), "{}{}", right.out, right.err);
}
