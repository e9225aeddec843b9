variable "services" {
  type = map(object({
    image = string
    port  = optional(number, 80)
    env   = optional(map(string), { LEVEL = "info" })
    probe = optional(object({
      path    = optional(string, "/")
      timeout = optional(number)
    }), {})
    tags = optional(list(string))
  }))
  default = {
    web = { image = "w" }
    api = { image = "a", port = 8080, probe = { path = "/health" }, env = null }
    db  = { image = "d", probe = null, tags = ["x"], ignored = true }
  }
}
resource "terraform_data" "s" {
  for_each = var.services
  input    = each.value
}
output "services" { value = var.services }
