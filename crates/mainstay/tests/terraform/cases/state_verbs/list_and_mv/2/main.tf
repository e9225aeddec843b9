resource "terraform_data" "renamed" { input = "a" }
resource "terraform_data" "many" {
  count = 1
  input = count.index
}
resource "terraform_data" "single" { input = 1 }
module "n" {
  source   = "./m"
  for_each = toset(["k"])
}
