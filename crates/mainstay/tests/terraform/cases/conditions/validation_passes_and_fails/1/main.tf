variable "port" {
  type    = number
  default = 443
  validation {
    condition     = var.port > 0 && var.port < 65536
    error_message = "A port is from 1 to 65535, and ${var.port} is not."
  }
}
variable "name" {
  type    = string
  default = "web"
  validation {
    condition     = lower(var.name) == var.name
    error_message = "Lower case, please."
  }
  validation {
    condition     = length(var.name) < 10
    error_message = "Too long."
  }
}
output "both" { value = "${var.name}:${var.port}" }
