variable "source" {}
variable "count" {}
