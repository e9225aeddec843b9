resource "terraform_data" "trigger" {
  count = 2
  input = count.index * 5
}
resource "terraform_data" "a" {
  count = 2
  lifecycle {
    replace_triggered_by = [terraform_data.trigger[count.index]]
  }
}
