variable "password" {
  type      = string
  sensitive = true
}

output "url" {
  value = "redis://:${var.password}@cache"
}

output "nothing" {
}
