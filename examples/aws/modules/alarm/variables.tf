variable "name" {
  type = string
}

variable "description" {
  type = string
}

variable "metric" {
  type = object({
    namespace  = string
    name       = string
    dimensions = map(string)
    statistic  = string
  })
}

variable "levels" {
  type = object({
    warning  = number
    critical = number
  })

  validation {
    condition     = var.levels.warning < var.levels.critical
    error_message = "A warning comes before what is critical."
  }
}

variable "topics" {
  description = "Where each level is told."
  type        = map(string)
}
