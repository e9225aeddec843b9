environment "dev" {
}
