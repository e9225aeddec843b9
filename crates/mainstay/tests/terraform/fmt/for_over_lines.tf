locals {
  a = [
    for x in var.y:
    upper(x)
    if x!=""
  ]
  b = {
    for k,v in var.z:
      k=>{
        a=v
        bbb=k
      }
  }
  c = {for x in var.y:x=>x...}
  d = flatten([for x in var.y:[for z in x:z]])
}
