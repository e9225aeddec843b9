resource "terraform_data" "a" {
  for_each = toset(["bad", "good"])
  input    = each.key
  provisioner "local-exec" {
    command = "test ${each.key} = good"
  }
}
