resource "terraform_data" "a" { input = "a" }
resource "terraform_data" "many" {
  count = 2
  input = count.index
}
module "m" {
  source   = "./m"
  for_each = toset(["k"])
}
