output "o" { value = file("nope.txt") }
output "p" { value = templatefile("nope.tftpl", {}) }
