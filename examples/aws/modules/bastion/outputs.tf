output "address" {
  value = aws_eip.main.public_ip
}
