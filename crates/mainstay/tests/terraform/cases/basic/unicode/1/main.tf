resource "terraform_data" "a" {
  input = { "ключ" = "değer", emoji = "👩‍🚀", composed = "é", decomposed = "é" }
}
output "length" { value = length("👩‍🚀é") }
output "equal" { value = "é" == "é" }
output "upper" { value = upper("straße çà") }
