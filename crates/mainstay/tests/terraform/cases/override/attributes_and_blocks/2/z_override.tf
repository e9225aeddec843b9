resource "terraform_data" "a" {
  input = "by z"
  lifecycle {
    ignore_changes = [triggers_replace]
  }
}
