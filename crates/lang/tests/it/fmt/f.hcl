locals {
 a=1 # x
 bbbbbb=2
 c=3 # y
 x = foo({
 a = 1
 }
 )
   
 y = foo([{
 a = 1
 },
 1]
 )
}
