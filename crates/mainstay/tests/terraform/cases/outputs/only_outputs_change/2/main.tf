output "a" { value = "two" }
output "c" { value = "c" }
