service "web"
{
  image = "shop/web"
}
