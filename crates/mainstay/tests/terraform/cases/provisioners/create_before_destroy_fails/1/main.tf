# The old object stays, deposed, when the new one cannot be finished.

resource "terraform_data" "a" {
  triggers_replace = 1
  lifecycle { create_before_destroy = true }
}
