service "web" {
  image = "shop/web"
  env = {
    A = service.cache.adress
    B = service.cache.addresses.redis
    C = service.cache.addresses[0]
    D = service.cache[0].address
  }
}

service "cache" {
  image = "cache"
}
