output "year_is_four_digits" { value = length(formatdate("YYYY", plantimestamp())) == 4 }
output "later" { value = timecmp(timeadd(plantimestamp(), "1h"), plantimestamp()) }
