locals { names = ["x", "y", "z"] }
resource "terraform_data" "a" {
  count = length(local.names)
  input = local.names[count.index]
}
