output "string" { value = "s" }
output "number" { value = 12345678901234567890 }
output "float" { value = 0.1 }
output "bool" { value = false }
output "null" { value = null }
output "null_string" { value = tostring(null) }
output "tuple" { value = [1, "a", [], {}] }
output "object" { value = { "key with space" = 1, a = { b = null } } }
output "list" { value = tolist([1, 2]) }
output "set" { value = toset([3, 1, 2]) }
output "map" { value = tomap({ b = true, a = false }) }
output "empty_list" { value = tolist([]) }
output "empty_map" { value = tomap({}) }
output "list_of_objects" { value = tolist([{ a = 1, b = "x" }, { a = 2, b = null }]) }
