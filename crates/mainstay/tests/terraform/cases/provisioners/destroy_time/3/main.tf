output "log" { value = file("log.txt") }
