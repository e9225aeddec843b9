output "a" { value = [for x in 5 : x] }
output "b" { value = [for x in null : x] }
