service "Web_Shop" {
  image = "shop/web"
}

variable "1st" {
}

image "Shop/Web" {
}
