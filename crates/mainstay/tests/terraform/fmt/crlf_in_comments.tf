locals {
  a = 1 # a
  bb /*
  over lines */ = 2 # b
  c = [ # c
    1, /* one */ // 1
    22 // 2
  ]
  d = <<EOT
text ${f(
1)}
EOT
}
