variable   "x" {
type=string
  default   = "a"   # c1
  description="long text" # c2


  nullable=true
}
# comment
locals {
a=1
bcd   =   2 // slash
list=[1,2,
3,
   4]
obj={a=1,b=2}
obj2 = {
a=1
bb   =  2
"ccc"  : 3
   (d)  = 4
}
f = max( 1,2 , 3 )
t="a${ var.x }b${var.x}"
c=var.x==1?2:3
n=-1
nn = - 1
m = !true
mm = 1-1
idx = a [ 0 ] . b
sp = a.*.b
sp2 = a[ * ].b
fo = [ for x in y:x if x ]
fo2 = {for k,v in y:k=>v...}
h = <<-EOT
    foo
   ${ x }
  EOT
multi = (
1+
2
)
cond = (
a ?
b :
c
)
blk = foo(
{
a = 1
},
[
1
]
)
}
resource "a" "b" { x = 1 }
resource "a" "b" {
x = 1 
  dynamic "foo" {
for_each=[1]
content{
y=2
}
}
}
resource   a   "b"   {
}
resource "empty" "x" {}



output "y" {
/* block
 comment */
value=1 /* inline */
  # own line
valuelong = 1 # trailing
v = [
# in list
1, # one
200, # two
]
}
