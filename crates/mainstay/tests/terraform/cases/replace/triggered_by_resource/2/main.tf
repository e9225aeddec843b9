resource "terraform_data" "trigger" { input = 2 }
resource "terraform_data" "a" {
  input = "same"
  lifecycle {
    replace_triggered_by = [terraform_data.trigger]
  }
}
