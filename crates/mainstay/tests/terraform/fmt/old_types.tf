variable "a" {
  type="string"
}
variable "b" {
  type = "list"
}
variable "c" {
  type = "map"
}
variable "d" {
  type = list
}
variable e {
  type = map
}
resource terraform_data x {
  input=1
}
variable "f" {
  type = object({a=string,b=optional(number,1)})
}
variable "g" {
  type = list( object( {
    a=string
    bbb = optional( list(string) , [] )
  } ) )
}
