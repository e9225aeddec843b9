service "web" {
  image = "a"
}

resource "aws_vpc" "main" {
}

variable "fine" {
  default = 1
}
