resource "terraform_data" "a" {
  for_each = { for n in [443, 8080] : n => "port ${n}" }
  input    = each.value
}
output "https" { value = terraform_data.a[443].output }
