variable "secrets" {
  type      = map(string)
  sensitive = true
  default   = { a = "s3cret", b = "t0p" }
}
resource "terraform_data" "a" {
  for_each = nonsensitive(toset(keys(var.secrets)))
  input    = var.secrets[each.key]
}
