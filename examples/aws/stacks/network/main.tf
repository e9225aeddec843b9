# A network over several zones: a public and a private subnet in each, and a bastion.
data "aws_availability_zones" "available" {
  state = "available"
}

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  zones     = slice(sort(data.aws_availability_zones.available.names), 0, var.settings.zones)
  positions = { for position, zone in local.zones : zone => position }
  nat_zones = var.settings.nat_per_zone ? local.zones : slice(local.zones, 0, 1)
}

resource "aws_vpc" "main" {
  cidr_block           = var.settings.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

resource "aws_subnet" "public" {
  for_each = local.positions

  vpc_id                  = aws_vpc.main.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.settings.cidr, 8, each.value)
  map_public_ip_on_launch = true

  tags = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_subnet" "private" {
  for_each = local.positions

  vpc_id            = aws_vpc.main.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.settings.cidr, 8, 128 + each.value)

  tags = { Name = "${var.name}-private-${each.key}" }
}

module "bastion" {
  source = "../../modules/bastion"

  name     = "${var.name}-bastion"
  vpc      = aws_vpc.main.id
  subnet   = aws_subnet.public[local.zones[0]].id
  ssh_from = var.settings.ssh_from
  ssh_to   = [var.settings.cidr]
  profile  = var.bastion_profile

  # An address is of use when there is a way out.
  depends_on = [aws_route.out]
}
