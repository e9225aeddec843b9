output "o" { value = hello }
