resource "terraform_data" "old" { triggers_replace = 1 }
resource "terraform_data" "user" { input = terraform_data.old.id }
