output "a" { value = 1 + "x" }
output "b" { value = !5 }
output "c" { value = -"x" }
output "d" { value = 1 && true }
output "e" { value = "a" < "b" }
