output "o" { value = var }
