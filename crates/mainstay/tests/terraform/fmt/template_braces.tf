locals {
  a = "x${{a=1}}"
  b = "x${ {a=1}.a }y${[1,2]}z${{}}"
  c = "${  f({}) }-${ {}== {} }"
  d = "%{if {}=={}}x%{endif}%{ for k,v in {a=1} }${k}%{endfor}"
  e = "x${~{}~}y${{
a=1
}}"
  f = "x${/*a*/1/*b*/}y${ # c
-1}"
  g = <<EOT
${{a=1}["a"]}
%{~if {}=={}~}
x
%{endif}
EOT
}
