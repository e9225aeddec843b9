# Joins two networks that are in different accounts and regions: asked for here, accepted there, with routes at both ends.
resource "aws_vpc_peering_connection" "main" {
  vpc_id        = var.here.vpc
  peer_vpc_id   = var.peer.vpc
  peer_owner_id = var.peer.account
  peer_region   = var.peer.region

  tags = { Name = "${var.name}-peering" }
}

resource "aws_vpc_peering_connection_accepter" "main" {
  provider = aws.peer

  vpc_peering_connection_id = aws_vpc_peering_connection.main.id
  auto_accept               = true

  tags = { Name = "${var.name}-peering" }
}

resource "aws_route" "there" {
  for_each = var.here.route_tables

  route_table_id            = each.value
  destination_cidr_block    = var.peer.cidr
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.main.id
}

resource "aws_route" "back" {
  for_each = var.peer.route_tables
  provider = aws.peer

  route_table_id            = each.value
  destination_cidr_block    = var.here.cidr
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.main.id
}
