output "o" { value = upper(null) }
