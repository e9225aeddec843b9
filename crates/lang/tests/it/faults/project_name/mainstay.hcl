project {
  name = "My Shop"
}

project {
}
