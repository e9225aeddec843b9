output "o" {
  description = "No value."
}
