check "c" {
  assert {
    condition = local.x
  }
}
locals { x = true }
