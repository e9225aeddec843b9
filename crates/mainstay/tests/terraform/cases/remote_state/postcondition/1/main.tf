data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "a.tfstate" }
  lifecycle {
    precondition {
      condition     = fileexists("${path.module}/a.tfstate")
      error_message = "There has to be a file."
    }
    postcondition {
      condition     = self.outputs.name == "B"
      error_message = "It is ${self.outputs.name}."
    }
  }
}
