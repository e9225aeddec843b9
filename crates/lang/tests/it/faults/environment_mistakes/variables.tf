variable "replicas" {
  type = number
}

variable "name" {
  type = string
  validation {
    condition     = var.name != "root"
    error_message = "Not root."
  }
}
