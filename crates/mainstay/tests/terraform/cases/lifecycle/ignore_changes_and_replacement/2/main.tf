resource "terraform_data" "a" {
  input            = "v2"
  triggers_replace = 2
  lifecycle { ignore_changes = [input] }
}
