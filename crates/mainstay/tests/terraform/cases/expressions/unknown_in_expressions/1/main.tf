resource "terraform_data" "u" { input = "value" }
output "all" {
  value = {
    concat      = "a-${terraform_data.u.output}"
    list        = [terraform_data.u.output, "k"]
    length_of   = length([terraform_data.u.output, "k"])
    map         = { k = terraform_data.u.output }
    keys        = keys({ k = terraform_data.u.output })
    conditional = terraform_data.u.output == "value" ? "same" : "other"
    is_null     = terraform_data.u.output == null
    try         = try(terraform_data.u.output.deep, "fallback")
    can         = can(terraform_data.u.output.deep)
    for         = [for c in ["x", terraform_data.u.output] : "${c}!"]
    coalesce    = coalesce(null, "first", terraform_data.u.output)
    merge       = merge({ a = 1 }, { b = terraform_data.u.output })
    json        = jsonencode({ a = terraform_data.u.output })
  }
}
