text = <<-EOT
  one
    two
  three $${kept} \n
EOT
nested = [
  { a = "1" }, # with a comment
  {
    b = 2
    "c d" : "3"
  },
]
