locals {
  a = <<EOT
   kept
     as it is
EOT
  bbb = <<-EOT
        indented
      less
    EOT
  cc = 1
  d = upper(<<EOT
text ${ var.x } %{if true}x%{endif}
EOT
)
  e = { a = <<X
x
X
    b=1
  }
  f = [<<A
a
A
, 2]
}
