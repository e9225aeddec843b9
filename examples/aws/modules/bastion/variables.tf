variable "name" {
  type = string
}

variable "vpc" {
  type = string
}

variable "subnet" {
  type = string
}

variable "ssh_from" {
  type = list(string)
}

variable "ssh_to" {
  type = list(string)
}

variable "profile" {
  type = string
}

variable "instance_type" {
  type    = string
  default = "t3.micro"
}
