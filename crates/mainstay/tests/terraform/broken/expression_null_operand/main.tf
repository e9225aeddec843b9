output "a" { value = null + 1 }
output "b" { value = "a${null}" }
