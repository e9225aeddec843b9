ephemeral "terraform_nope" "e" {
}
