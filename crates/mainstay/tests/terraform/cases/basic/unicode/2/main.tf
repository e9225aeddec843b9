resource "terraform_data" "a" {
  input = { "ключ" = "value", emoji = "🚀", composed = "e", decomposed = "é" }
}
