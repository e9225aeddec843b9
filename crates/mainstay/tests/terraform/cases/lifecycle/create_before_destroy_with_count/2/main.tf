resource "terraform_data" "a" {
  count            = 1
  triggers_replace = "two"
  lifecycle { create_before_destroy = true }
}
