service "web" {
  image = "shop/web"
}
}

service "worker" {
  image = "shop/worker"
}
