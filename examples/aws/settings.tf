# What every environment is given, and how its account is reached. The project's root and terraform/ share this file.
terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "endpoint" {
  description = "A stand-in for AWS, such as moto_server, by its address; AWS itself without one."
  type        = string
  default     = null
}

variable "region" {
  type = string
}

variable "account" {
  description = "The account of the environment, by its twelve digits."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "An account has twelve digits."
  }
}

variable "role" {
  description = "The role in every account that this is applied as."
  type        = string
  default     = "deploy"
}

variable "peer" {
  description = "The environment whose network this one is joined with: where it is, because a provider must know it before anything is read."
  type = object({
    environment = string
    account     = string
    region      = string
  })
  default = null
}

variable "network" {
  type = object({
    cidr         = string
    zones        = number
    nat_per_zone = optional(bool, false)
    ssh_from     = list(string)
  })

  validation {
    condition     = can(cidrhost(var.network.cidr, 1)) && var.network.zones >= 2
    error_message = "The range is written as 10.0.0.0/16, and a load balancer needs two zones."
  }
}

variable "operators_may" {
  description = "The actions of the people who operate the environment."
  type        = list(string)
}

variable "domain" {
  type = string
}

variable "drain_seconds" {
  description = "How long a target that leaves may finish what it has begun."
  type        = number
  default     = 60
}

variable "tracks" {
  description = "What runs beside each other: a version, and its part of the visitors."
  type = map(object({
    version = string
    weight  = number
  }))
}

variable "services" {
  type = map(object({
    port     = number
    path     = optional(string)
    cpu      = optional(number, 256)
    memory   = optional(number, 512)
    replicas = optional(number, 1)
  }))
}

locals {
  # The keys of a stand-in are looked at by nobody, and nothing of the person's own is sent to it.
  key  = var.endpoint == null ? null : "mock"
  peer = var.peer == null ? { account = var.account, region = var.region } : var.peer

  tags = {
    Project     = "shop"
    Environment = terraform.workspace
  }
}

provider "aws" {
  region     = var.region
  access_key = local.key
  secret_key = local.key

  skip_credentials_validation = var.endpoint != null
  skip_metadata_api_check     = var.endpoint != null
  s3_use_path_style           = var.endpoint != null

  assume_role {
    role_arn     = "arn:aws:iam::${var.account}:role/${var.role}"
    session_name = "shop-${terraform.workspace}"
  }

  dynamic "endpoints" {
    for_each = var.endpoint[*]

    content {
      cloudwatch     = endpoints.value
      cloudwatchlogs = endpoints.value
      ec2            = endpoints.value
      ecs            = endpoints.value
      elbv2          = endpoints.value
      iam            = endpoints.value
      route53        = endpoints.value
      s3             = endpoints.value
      sns            = endpoints.value
      sts            = endpoints.value
    }
  }

  default_tags {
    tags = local.tags
  }
}

# The other end of the peering. Where there is none it is the environment's own account, and nothing is done with it.
provider "aws" {
  alias      = "peer"
  region     = local.peer.region
  access_key = local.key
  secret_key = local.key

  skip_credentials_validation = var.endpoint != null
  skip_metadata_api_check     = var.endpoint != null

  assume_role {
    role_arn     = "arn:aws:iam::${local.peer.account}:role/${var.role}"
    session_name = "shop-${terraform.workspace}"
  }

  dynamic "endpoints" {
    for_each = var.endpoint[*]

    content {
      ec2 = endpoints.value
      sts = endpoints.value
    }
  }

  default_tags {
    tags = local.tags
  }
}
