output "a" { value = { for x in [1] : null => x } }
