resource "terraform_data" "trigger" {
  input = { watched = 1, ignored = 1 }
}
resource "terraform_data" "a" {
  lifecycle {
    replace_triggered_by = [terraform_data.trigger.input.watched]
  }
}
resource "terraform_data" "b" {
  lifecycle {
    replace_triggered_by = [terraform_data.trigger.input.ignored]
  }
}
