output "o" {
  value = "%{ if true }yes"
}
