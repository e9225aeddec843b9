variable "name" {
  type = string
}

variable "joined" {
  description = "Whether there is another network, which is known before anything of that network is."
  type        = bool
}

variable "here" {
  type = object({
    vpc          = string
    cidr         = string
    route_tables = map(string)
  })
}

variable "peer" {
  type = object({
    vpc          = string
    cidr         = string
    account      = string
    region       = string
    route_tables = map(string)
  })
  default = null
}
