resource "terraform_data" "a" {
  input            = "v1"
  triggers_replace = 1
  lifecycle { ignore_changes = [input] }
}
