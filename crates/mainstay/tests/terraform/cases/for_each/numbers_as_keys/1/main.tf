resource "terraform_data" "a" {
  for_each = { for n in [80, 443] : n => "port ${n}" }
  input    = each.value
}
output "https" { value = terraform_data.a["443"].output }
