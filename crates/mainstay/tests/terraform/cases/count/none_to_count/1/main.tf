# The only instance keeps its object, under the index 0.

resource "terraform_data" "a" { input = "x" }
