output "a" { value = "text".length }
