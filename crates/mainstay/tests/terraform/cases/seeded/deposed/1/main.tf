resource "terraform_data" "a" {
  input = "same"
  lifecycle { create_before_destroy = true }
}
