variable "region" { type = string }
variable "peers" { type = set(string) }
resource "terraform_data" "peer" {
  for_each = var.peers
  input    = "${var.region}->${each.key}"
}
output "peers" { value = values(terraform_data.peer)[*].output }
