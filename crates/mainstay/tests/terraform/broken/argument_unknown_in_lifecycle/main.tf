resource "terraform_data" "a" {
  lifecycle {
    never_destroy = true
  }
}
