output "o" {
  value = "%{ while true }yes%{ endwhile }"
}
