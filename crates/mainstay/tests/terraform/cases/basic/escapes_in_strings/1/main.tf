resource "terraform_data" "a" {
  input = "tab\t quote\" backslash\\ newline\n dollar$${x} percent%%{y} angle <a&b> \u00e9 \U0001F600"
}
output "html" { value = "<b>&amp;</b>" }
