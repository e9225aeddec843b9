terraform {
  backend "local" {
    path = "kept/here.tfstate"
  }
}
resource "terraform_data" "a" { input = terraform.workspace }
