resource "terraform_data" "a" {
  count            = 2
  triggers_replace = "one"
  lifecycle { create_before_destroy = true }
}
