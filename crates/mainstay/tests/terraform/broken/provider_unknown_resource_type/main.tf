resource "terraform_dta" "a" {
}
data "terraform_remote_stat" "b" {
}
