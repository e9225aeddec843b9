resource "terraform_data" "a" {
  input            = "same"
  triggers_replace = { version = 1 }
}
