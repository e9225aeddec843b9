variable "l" { default = 1 }
