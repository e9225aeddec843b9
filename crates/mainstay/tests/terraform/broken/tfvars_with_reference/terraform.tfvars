a = local.x
