output "o" { value = upper(["x"]) }
output "p" { value = length(5) }
