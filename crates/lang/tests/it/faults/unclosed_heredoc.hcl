service "web" {
  image = "shop/web"
  env = {
    MOTD = <<-EOT
      hello
    EOTT
  }
}
