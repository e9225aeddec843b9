image "shop/web" {
  base = "scratch"
  file {
    source      = "/etc/passwd"
    destination = "etc/passwd"
    mode        = "rwx"
  }
  copy {
  }
}
