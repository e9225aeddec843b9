variable "config" {
  type = object({
    name  = string
    tags  = map(string)
    ports = list(number)
    extra = optional(string, "default")
  })
}
output "config" { value = var.config }
output "ports" { value = sum(var.config.ports) }
