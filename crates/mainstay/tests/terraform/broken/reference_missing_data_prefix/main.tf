data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "x" }
}
output "o" { value = terraform_remote_state.r.outputs }
