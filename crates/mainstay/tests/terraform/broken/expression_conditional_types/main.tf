output "a" { value = true ? 1 : [1] }
output "b" { value = "x" ? 1 : 2 }
output "c" { value = null ? 1 : 2 }
