output "o" {
  value = 'text'
}
