output "o" {
  value = [for x in [1] x]
}
