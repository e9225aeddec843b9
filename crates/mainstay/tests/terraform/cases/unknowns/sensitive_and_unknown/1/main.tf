resource "terraform_data" "u" { input = sensitive({ p = "x", q = 1 }) }
resource "terraform_data" "v" { input = { whole = terraform_data.u.output, id = terraform_data.u.id } }
resource "terraform_data" "w" { input = sensitive(terraform_data.v.id) }
