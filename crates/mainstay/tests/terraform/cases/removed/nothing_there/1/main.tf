removed {
  from = terraform_data.never
  lifecycle {
    destroy = false
  }
}
