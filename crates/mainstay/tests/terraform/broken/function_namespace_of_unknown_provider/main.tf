output "o" { value = provider::nope::f("x") }
