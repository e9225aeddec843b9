data "terraform_remote_state" "r" {
  backend = "local"
  config  = { file = "x", other = 1 }
}
