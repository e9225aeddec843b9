service "web" {
  image = "shop/web" /* the image
}
