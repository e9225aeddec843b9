output "secret" {
  value     = { password = "p" }
  sensitive = true
}
output "text" { value = "a\nb" }
output "list" { value = [1, "two", null] }
output "number" { value = 1.50 }
