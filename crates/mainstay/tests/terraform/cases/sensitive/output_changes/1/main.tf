output "o" { value = "plain" }
output "p" {
  value     = "hidden"
  sensitive = true
}
