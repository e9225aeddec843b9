service 'web' {
  image = 'shop/web'
  env = { A = 'b' }
}
