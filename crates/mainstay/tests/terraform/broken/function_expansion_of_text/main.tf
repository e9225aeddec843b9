output "o" { value = max("x"...) }
