resource "terraform_data" "a" {
  input            = "two"
  triggers_replace = ["a", "b"]
}
resource "terraform_data" "b" { input = terraform_data.a.output }
