resource "terraform_data" "a" { triggers_replace = sensitive(["a", 2]) }
