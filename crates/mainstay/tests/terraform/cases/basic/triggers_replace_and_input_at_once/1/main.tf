resource "terraform_data" "a" {
  input            = "one"
  triggers_replace = ["a"]
}
resource "terraform_data" "b" { input = terraform_data.a.output }
