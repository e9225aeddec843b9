resource "terraform_data" "a" { input = "a" }
resource "terraform_data" "b" { input = terraform_data.a.output }
resource "terraform_data" "c" { input = terraform_data.b.output }
resource "terraform_data" "many" {
  count = 3
  input = count.index
}
module "m" {
  source = "./m"
  v      = terraform_data.many[0].output
}
output "c" { value = terraform_data.c.output }
output "a" { value = terraform_data.a.output }
