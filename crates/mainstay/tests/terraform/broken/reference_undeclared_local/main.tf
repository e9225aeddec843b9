locals { name = 1 }
output "o" { value = local.nmae }
