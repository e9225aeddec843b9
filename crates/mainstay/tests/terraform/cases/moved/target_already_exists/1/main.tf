# The object at the new address stays, and the one at the old address is destroyed.

resource "terraform_data" "a" { input = "a" }
resource "terraform_data" "b" { input = "b" }
