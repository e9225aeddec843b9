output "o" { value = templatefile("t.tftpl", { a = 1 }) }
