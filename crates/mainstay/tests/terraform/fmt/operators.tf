locals {
  a=1+2*3-4/5%6
  b=!true&&false||true
  c=-1
  d=- 1
  e=1==2
  f=1!=2
  g=1<=2&&3>=4
  h=var.x?1:2
  i=var.x  ?  "a"  :  "b"
  j=(1+2)*3
  k=( 1+2 )
  l=!  true
  m=a-b
  n=a -b
  o=-(1)
}
