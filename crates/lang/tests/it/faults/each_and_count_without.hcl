service "web" {
  image = "shop/web"
  env = {
    A = each.key
    B = count.index
    C = self.name
  }
}
