locals {
  a=[1,2,3]
  b = [ 1 , 2 ,3 ]
  c = [
1,
    2,
        3
  ]
  d = [[1,2],[3,4]]
  e = [{a=1},{b=2}]
  f = [
    {
      a=1
      bbb=2
    },{
      c=3
    }
  ]
  g = [ ]
  h = [for x in   var.y:x   if x>1]
  i = {for k,v in var.z:k=>v...}
}
