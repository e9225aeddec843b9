environment "prod" {
  protected = true

  # Its own account, and that of the stage, whose network it is joined with.
  provider "aws" {
    accounts = ["222222222222", "111111111111"]
  }

  variables = {
    region  = "eu-central-1"
    account = "222222222222"
    domain  = "shop.example"
    peer    = { environment = "stage", account = "111111111111", region = "eu-west-1" }

    network = {
      cidr         = "10.2.0.0/16"
      zones        = 3
      nat_per_zone = true
      ssh_from     = ["198.51.100.7/32"]
    }

    operators_may = ["ec2:Describe*", "ecs:Describe*", "ecs:UpdateService", "cloudwatch:*"]

    services = {
      web = { port = 8080, replicas = 4, cpu = 512, memory = 1024 }
      api = { port = 8081, replicas = 3, path = "/api/*" }
    }

    tracks = {
      stable = { version = "1.4.2", weight = 95 }
      canary = { version = "1.5.0", weight = 5 }
    }
  }
}
