service "web" {
  image = "shop/wéb"
}
