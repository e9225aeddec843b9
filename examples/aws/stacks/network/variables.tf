variable "name" {
  type = string
}

variable "settings" {
  type = object({
    cidr         = string
    zones        = number
    nat_per_zone = bool
    ssh_from     = list(string)
  })
}

variable "bastion_profile" {
  description = "The instance profile of the bastion, by name."
  type        = string
}
