resource "terraform_data" "source" { input = "w" }
resource "terraform_data" "a" { triggers_replace = terraform_data.source.output }
