resource "terraform_data" "a" {
      input = <<-EOT
    one
      ${  var.x  }
    EOT
  triggers_replace=1
        }
