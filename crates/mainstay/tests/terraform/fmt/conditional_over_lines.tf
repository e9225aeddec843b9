locals {
  a = var.x ? 1 : 2
  b = (
    var.x
    ? 1
      : 2
  )
  c = (var.x
  && var.y
    || var.z)
  d = var.x==1?{
    a=1
  }:{
    b=2
  }
}
