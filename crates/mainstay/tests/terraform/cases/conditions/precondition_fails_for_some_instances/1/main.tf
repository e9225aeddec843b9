resource "terraform_data" "a" {
  count = 4
  lifecycle {
    precondition {
      condition     = count.index % 2 == 0
      error_message = "${count.index} is odd."
    }
  }
}
