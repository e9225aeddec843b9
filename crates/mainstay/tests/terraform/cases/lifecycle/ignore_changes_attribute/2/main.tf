resource "terraform_data" "a" {
  input            = "two"
  triggers_replace = 1
  lifecycle { ignore_changes = [input] }
}
