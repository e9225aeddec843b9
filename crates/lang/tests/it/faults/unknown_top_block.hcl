servic "web" {
  image = "shop/web"
}

local {
  a = 1
}

cluster "a" {
}

foo {
}
