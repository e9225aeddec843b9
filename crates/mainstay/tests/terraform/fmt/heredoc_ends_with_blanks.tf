locals {
  a = <<EOT
text
EOT  
  b = <<-EOT
    text
  	EOT	
  c = [<<EOT
text
  EOT 
  , 1]
  d = <<EOT
text
 EOT 
}
