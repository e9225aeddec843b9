variable "id" {
  type    = string
  default = uuid()
  validation {
    condition     = var.id != uuid()
    error_message = "another one"
  }
}
image "web" {
  build = uuid()
}
locals {
  fine = [uuid(), bcrypt("x"), core::uuid(), abspath("a"), pathexpand("~/a")]
}
