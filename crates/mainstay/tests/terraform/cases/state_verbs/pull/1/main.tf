resource "terraform_data" "a" { input = { p = sensitive("x"), q = [1, null] } }
resource "terraform_data" "b" {
  for_each = { k = terraform_data.a.id }
  input    = each.value
  lifecycle { create_before_destroy = true }
}
module "m" {
  source = "./m"
  count  = 2
}
data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "remote.tfstate" }
}
output "o" { value = toset(["a"]) }
output "s" {
  value     = "hidden"
  sensitive = true
}
