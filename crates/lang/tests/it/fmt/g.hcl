variable "x" {
  type = "string"
}
variable "y" {
  type = "list"
}
variable "y2" {
  type = "map"
}
variable "z" {
  type    = list("string")
  default = "${foo("a")}"
  validation {
    condition     = "${a == 1}"
    error_message = "${
      a
    }"
  }
}
locals {
  a   = "${var.a}" # foo
  bcd = 1
  c   = "${var.a}${""}"
  d   = "${{ a = 1 }}"
  e   = { x = "${a}" }
  f   = foo("${a}")
  g   = "${a ? b : c}"
  h   = "${-1}"
}
resource aws_x foo {
  lifecycle {
    ignore_changes = ["tags", "a.b"]
  }
  depends_on = ["aws_x.y"]
  provider = "aws.foo"
  tags {
  }
}


