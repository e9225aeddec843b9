output "a" { value = "one" }
output "b" { value = "b" }
