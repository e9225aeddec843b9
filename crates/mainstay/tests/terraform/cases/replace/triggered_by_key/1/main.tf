variable "values" {
  default = { x = 1, y = 1 }
}
resource "terraform_data" "trigger" {
  for_each = var.values
  input    = each.value
}
resource "terraform_data" "a" {
  for_each = var.values
  lifecycle {
    replace_triggered_by = [terraform_data.trigger[each.key].input]
  }
}
