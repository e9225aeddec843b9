environment "stage" {
  # Nothing is done in another account than this one.
  provider "aws" {
    accounts = ["111111111111"]
  }

  variables = {
    region  = "eu-west-1"
    account = "111111111111"
    domain  = "stage.shop.example"

    network = {
      cidr     = "10.1.0.0/16"
      zones    = 2
      ssh_from = ["203.0.113.0/24", "198.51.100.7/32"]
    }

    operators_may = ["ec2:*", "ecs:*", "s3:*", "cloudwatch:*"]

    services = {
      web = { port = 8080 }
      api = { port = 8081, path = "/api/*" }
    }

    tracks = {
      stable = { version = "1.4.2", weight = 50 }
      canary = { version = "1.5.0", weight = 50 }
    }
  }
}
