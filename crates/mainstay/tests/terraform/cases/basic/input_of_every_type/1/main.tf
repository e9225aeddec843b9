# The type of a dynamic attribute is written to the state with its value.

resource "terraform_data" "string" { input = "text" }
resource "terraform_data" "number" { input = 1.5 }
resource "terraform_data" "bool" { input = true }
resource "terraform_data" "null" { input = null }
resource "terraform_data" "tuple" { input = [1, "a", true, null] }
resource "terraform_data" "object" { input = { a = 1, b = { c = [] } } }
resource "terraform_data" "list" { input = tolist(["a", "b"]) }
resource "terraform_data" "set" { input = toset(["b", "a"]) }
resource "terraform_data" "map" { input = tomap({ x = 1, y = 2 }) }
resource "terraform_data" "empty_list" { input = tolist([]) }
resource "terraform_data" "empty_object" { input = {} }
