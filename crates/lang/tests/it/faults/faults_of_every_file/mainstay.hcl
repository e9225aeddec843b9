project {
  name = "shop"
}
