output "o" {
  value  = 1
  sensible = true
}
