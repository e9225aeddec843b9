service "a" {
  image = "x"
  count = 1.5
}

service "b" {
  image    = "x"
  for_each = ["a", "b"]
}

service "c" {
  image    = "x"
  count    = 1
  for_each = toset(["a"])
}

variable "secret" {
  sensitive = true
  type      = number
}

service "d" {
  image = "x"
  count = var.secret
}
