output "network" {
  description = "What others put into this network, or join it with, need to know."
  value = {
    vpc             = aws_vpc.main.id
    cidr            = aws_vpc.main.cidr_block
    account         = data.aws_caller_identity.current.account_id
    region          = data.aws_region.current.name
    public_subnets  = [for zone in local.zones : aws_subnet.public[zone].id]
    private_subnets = [for zone in local.zones : aws_subnet.private[zone].id]
    route_tables    = merge({ public = aws_route_table.public.id }, { for zone, table in aws_route_table.private : zone => table.id })
  }
}

output "bastion" {
  value = module.bastion.address
}
