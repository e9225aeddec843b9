resource "terraform_data" "a" {
  input = { workspace = terraform.workspace, root = path.root, module = path.module }
}
output "cwd" { value = path.cwd }
