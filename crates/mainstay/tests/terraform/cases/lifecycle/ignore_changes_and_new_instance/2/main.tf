resource "terraform_data" "a" {
  count = 2
  input = "v2"
  lifecycle { ignore_changes = [input] }
}
