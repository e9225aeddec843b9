output "o" { value = null }
output "p" { value = "p" }
