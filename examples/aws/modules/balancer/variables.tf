variable "name" {
  type = string

  validation {
    condition     = length(var.name) <= 28
    error_message = "A load balancer's name has at most 32 characters, and those of target groups add the service's."
  }
}

variable "network" {
  type = object({
    vpc            = string
    cidr           = string
    public_subnets = list(string)
  })
}

variable "services" {
  description = "What is behind it; one of them has no path and gets all the rest."
  type = map(object({
    port = number
    path = string
  }))
}

variable "drain_seconds" {
  type = number
}
