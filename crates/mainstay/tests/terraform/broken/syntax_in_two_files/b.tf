output "p" {
  value = }
