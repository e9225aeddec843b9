output "o" {
  value = max(1, 2
}
