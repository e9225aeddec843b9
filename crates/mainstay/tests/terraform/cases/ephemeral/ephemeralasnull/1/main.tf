variable "e" {
  ephemeral = true
  default   = "x"
}
output "null" { value = ephemeralasnull(var.e) }
output "part" { value = ephemeralasnull({ a = 1, b = var.e }) }
output "plain" { value = ephemeralasnull("plain") }
