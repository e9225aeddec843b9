output "o" { value = "set" }
output "p" { value = null }
