locals {
  cache = service.cache.address
}

service "web" {
  image = "shop/web"
  env   = { CACHE = local.cache }
}

service "cache" {
  image      = "cache"
  depends_on = [service.web]
}
