resource "terraform_data" "a" {
  input = { kept = 2, free = { inner = "b" }, list = ["z", "w"] }
  lifecycle { ignore_changes = [input.kept, input.list[0]] }
}
