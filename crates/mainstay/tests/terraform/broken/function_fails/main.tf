output "o" { value = tonumber("x") }
output "p" { value = jsondecode("{") }
output "q" { value = element([], 0) }
