data "terraform_remote_state" "each" {
  for_each = toset(["a", "b"])
  backend  = "local"
  config   = { path = "${each.key}.tfstate" }
}
data "terraform_remote_state" "none" {
  count   = 0
  backend = "local"
  config  = { path = "none" }
}
output "names" { value = [for r in data.terraform_remote_state.each : r.outputs.name] }
output "none" { value = length(data.terraform_remote_state.none) }
