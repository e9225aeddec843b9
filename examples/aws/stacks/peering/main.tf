# The network is joined with another environment's, where it is to be.
module "joined" {
  source    = "../../modules/peering"
  count     = var.joined ? 1 : 0
  providers = { aws = aws, aws.peer = aws.peer }

  name = var.name
  here = var.here
  peer = var.peer
}
