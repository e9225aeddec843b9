a=1
bbb   = "x"
list=[1,2,
3]
map={a=1
bb=2}
# comment
text=<<EOT
 x
EOT
