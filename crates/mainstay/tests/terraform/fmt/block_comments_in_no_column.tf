locals {
  aaaa = 1 /* a */
  b = {} /* b */
  cc = true # c
  d = (1 /* d */
  ) /* d */
  e = [ # e
    1, /* one */
    22, /* two */
    /* three */ 333, # three
  ]
  f = 1 /* f */ /* f */
  g = 22 /* g */ # g
  h /* over
  lines */ = 1 # h
}
x {} # x
y { # y
} /* y */
z {} /* z, at the end of the text */