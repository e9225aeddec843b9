resource "fake_server" "a" {
}
