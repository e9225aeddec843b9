resource "terraform_data" "a" {
  input = { kept = 1, free = { inner = "a" }, list = ["x", "y"] }
  lifecycle { ignore_changes = [input.kept, input.list[0]] }
}
