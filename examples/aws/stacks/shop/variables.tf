variable "name" {
  type = string
}

variable "domain" {
  type = string
}

variable "network" {
  type = object({
    vpc             = string
    cidr            = string
    public_subnets  = list(string)
    private_subnets = list(string)
  })
}

variable "roles" {
  type = object({
    execution = string
    task      = string
  })
}

variable "services" {
  type = map(object({
    port     = number
    path     = string
    cpu      = number
    memory   = number
    replicas = number
  }))
}

variable "tracks" {
  type = map(object({
    version = string
    weight  = number
  }))
}

variable "drain_seconds" {
  type = number
}

variable "errors_per_minute" {
  type    = object({ warning = number, critical = number })
  default = { warning = 5, critical = 50 }
}

variable "latency_seconds" {
  type    = object({ warning = number, critical = number })
  default = { warning = 0.5, critical = 2 }
}
