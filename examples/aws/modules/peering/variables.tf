variable "name" {
  type = string
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
}
