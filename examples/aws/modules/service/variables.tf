variable "name" {
  description = "What and where it is, as a path: ENVIRONMENT/TRACK/SERVICE."
  type        = string
}

variable "cluster" {
  type = string
}

variable "image" {
  type = string
}

variable "port" {
  type = number
}

variable "cpu" {
  type = number
}

variable "memory" {
  type = number
}

variable "replicas" {
  type = number
}

variable "environment" {
  description = "Environment variables of the program."
  type        = map(string)
  default     = {}
}

variable "network" {
  type = object({
    vpc             = string
    private_subnets = list(string)
  })
}

variable "roles" {
  type = object({
    execution = string
    task      = string
  })
}

variable "balancer" {
  description = "The security group that requests come from."
  type        = string
}

variable "target_group" {
  type = string
}

variable "log_days" {
  type    = number
  default = 14
}
