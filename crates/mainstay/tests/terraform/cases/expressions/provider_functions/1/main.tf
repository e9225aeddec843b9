terraform {
  required_providers {
    terraform = {
      source = "terraform.io/builtin/terraform"
    }
  }
}

resource "terraform_data" "made" {
  input = "x"
}

locals {
  decoded = provider::terraform::decode_tfvars("name = \"web\"\nports = [80, 443]\n")
}

output "decoded" {
  value = local.decoded
}

output "expression" {
  value = provider::terraform::encode_expr({ a = [1, true, "$${x}"], b = { "c d" = 1.5 } })
}

output "values" {
  value = provider::terraform::encode_tfvars({ name = local.decoded.name, many = toset(["b", "a"]) })
}

output "later" {
  value = provider::terraform::encode_tfvars({ id = terraform_data.made.id != "" })
}

output "secret" {
  value     = provider::terraform::encode_expr(sensitive("hidden"))
  sensitive = true
}
