resource "terraform_data" "a" {
  input = tomap({ kept = "1", free = "a" })
  lifecycle { ignore_changes = [input["kept"]] }
}
