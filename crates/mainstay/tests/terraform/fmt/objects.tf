locals {
  o = {a=1,b=2}
  p = {
    a=1
    bbbb   = 2
    "quoted key"=3
    (var.x)=4
    c : 5
    nested={
      x=1
      yyy=2
    }
    list=[1,2,
      3]
  }
  q = {  }
  r = { a = 1
    b = 2 }
  s = {a=1,
    b=2,
    ccc=3}
}
