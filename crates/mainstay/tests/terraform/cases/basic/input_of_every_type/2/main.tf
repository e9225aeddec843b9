resource "terraform_data" "string" { input = 1 }
resource "terraform_data" "number" { input = "1.5" }
resource "terraform_data" "bool" { input = false }
resource "terraform_data" "null" { input = "no longer null" }
resource "terraform_data" "tuple" { input = [1, "a", true] }
resource "terraform_data" "object" { input = { a = 1, b = { c = [1] } } }
resource "terraform_data" "list" { input = tolist(["a", "b", "c"]) }
resource "terraform_data" "set" { input = toset(["a", "b"]) }
resource "terraform_data" "map" { input = { x = 1, y = 2 } }
resource "terraform_data" "empty_list" { input = tolist(["x"]) }
resource "terraform_data" "empty_object" { input = { a = null } }
