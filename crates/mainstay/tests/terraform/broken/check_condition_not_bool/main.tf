locals { x = "text" }
check "c" {
  assert {
    condition     = local.x
    error_message = "No."
  }
}
resource "terraform_data" "a" { count = "x" }
