resource "terraform_data" "a" {
  count = 1
  input = "v1"
  lifecycle { ignore_changes = [input] }
}
