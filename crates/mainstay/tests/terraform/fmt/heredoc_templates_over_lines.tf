x {
  y {
    a = <<EOT
one ${f(
1,
2
)} two ${ {
a = 1
}} three ${[
1]}
EOT
    b = 1
  }
  c = 1
}

x {
  aaaa = 1
  b = <<-EOT
    ${x
    + 1}
    EOT
  cc = 2
  d = f(<<EOT
%{ if x }${
y
}%{ endif }
EOT
  , 1)
}

x {
  y {
    a = [
      [{a={}}], <<EOT
${[
1
]}
EOT
    ]
  }
}

x {
  y {
    a = 1
  }
}
