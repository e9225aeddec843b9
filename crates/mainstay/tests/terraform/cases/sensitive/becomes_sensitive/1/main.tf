# Only the marks change, and not the values.

resource "terraform_data" "a" { input = "v" }
