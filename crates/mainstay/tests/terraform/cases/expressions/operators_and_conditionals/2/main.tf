variable "n" { default = 3 }
