variable "required" { default = 1 }
