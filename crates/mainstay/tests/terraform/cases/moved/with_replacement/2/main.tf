resource "terraform_data" "new" { triggers_replace = 2 }
resource "terraform_data" "user" { input = terraform_data.new.id }
moved {
  from = terraform_data.old
  to   = terraform_data.new
}
