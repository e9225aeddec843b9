output "o" {
  value = “text”
}
