resource "terraform_data" "a" {
  id     = "mine"
  output = "mine too"
}
