locals { no = false }
output "o" {
  value = 1
  precondition {
    condition     = local.no
    error_message = "Never."
  }
}
