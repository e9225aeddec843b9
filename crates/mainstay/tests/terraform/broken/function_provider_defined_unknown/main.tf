output "o" { value = provider::terraform::nope("x") }
