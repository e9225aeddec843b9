resource "terraform_data" "a" {
  input = tomap({ kept = "2", free = "b", new = "n" })
  lifecycle { ignore_changes = [input["kept"]] }
}
