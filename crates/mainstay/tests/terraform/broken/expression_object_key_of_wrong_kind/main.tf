output "a" { value = { ([1]) = 1 } }
output "b" { value = { (null) = 1 } }
