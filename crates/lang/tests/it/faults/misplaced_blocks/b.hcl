project {
  name = "other"
}
