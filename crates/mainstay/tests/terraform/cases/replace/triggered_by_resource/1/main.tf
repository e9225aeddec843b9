resource "terraform_data" "trigger" { input = 1 }
resource "terraform_data" "a" {
  input = "same"
  lifecycle {
    replace_triggered_by = [terraform_data.trigger]
  }
}
