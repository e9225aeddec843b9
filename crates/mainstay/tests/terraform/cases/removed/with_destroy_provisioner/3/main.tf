output "said" { value = file("gone.txt") }
