seed "a" {
  service  = service.cache
  protocol = "mysql"
  files    = "seed.json"
  key      = "x:${id}"
}

service "web" {
  image = "shop/web"
}
