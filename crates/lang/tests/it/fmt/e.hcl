locals {
 x = <<EOT
EOT
 # foo
	 y = 1
   # bar

  # baz
 z = "${
 x
 }"
 w = "${ x
}-"
 v=[
"a","b"]
 t = -(1)
 s = !(a)
 r = (-a)-(-b)
 q = a*b/c%d
 p = a>=b
 o = a=={}
 n = "a" == "b" ? "c":"d"
 m = [


 1,

]
 l = foo()  .bar  [ 1 ]
 k = {a=1}.b
 j = [1] [0]
 i = "x" [0]
 h = a && -b || !c
 g = [ for x in -b : !x if !y ]
 f = { a = -1, b = !c }
 ee = foo(-1, !x)
 d = a ? -b : !c
 c = { for k, v in x : k => -v if -v > 1}
 b = x[-1]
 a = "%{ if -1 }${-1}%{endif}"
 /* b */ aa = 2
 ab = 1 # x
 # y
 ac = 22222 # z
 ad = [ # k
 # j
 ]
 ae = [1, # foo
 2] # bar
 af = <<EOT
EOT
 agggg = 1 # x
 ah = [for x in (y) : x]
}
