resource "terraform_data" "a" {
  input="x"
    triggers_replace   =   1
  depends_on=[terraform_data.b]

  lifecycle{
  create_before_destroy=true
      ignore_changes=[input]
  }
}
variable "x"{
type=string
default="y"
    description = "z"
}
