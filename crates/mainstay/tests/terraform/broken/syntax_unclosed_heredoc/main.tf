output "o" {
  value = <<EOT
text
}
