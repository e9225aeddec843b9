locals {
  a=max(1,2,3)
  b = max( 1 , 2 )
  c = concat(var.x ... )
  d = merge({a=1},{b=2})
  e = upper (  "x"  )
  f = join(",",[for x in var.y:"${x}"])
  g = merge(
    {a=1},
      {b=2},
  )
  h = templatefile("x",{
    a=1
    bbb=2
  })
  i = provider::a::b( 1 )
}
