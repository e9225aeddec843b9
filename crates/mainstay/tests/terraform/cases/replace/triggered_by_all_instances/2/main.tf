resource "terraform_data" "trigger" {
  count = 2
  input = count.index == 0 ? "v" : "w"
}
resource "terraform_data" "a" {
  lifecycle {
    replace_triggered_by = [terraform_data.trigger]
  }
}
