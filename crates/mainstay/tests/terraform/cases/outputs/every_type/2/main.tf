output "string" { value = 1 }
output "number" { value = 12345678901234567891 }
output "list" { value = [1, 2] }
output "set" { value = toset(["1", "2", "3"]) }
output "null" { value = "not null" }
output "new" { value = {} }
