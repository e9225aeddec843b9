project {
  name = "shop"
}

# The shop.
service "web" {
  image    = "shop/web"
  replicas = 3
  env = {
    GREETING = "hello"
    LEVEL    = "${1 + 1}"
  }

  port "http" {
    container = 8080
  }

  health {
    http     = "/healthz"
    interval = "500ms"
  }

  route {
    host = "shop.example.com"
    path = "/"
  }

  resources {
    cpu    = 0.5
    memory = "256Mi"
  }

  rollout {
    surge       = "25%"
    min_healthy = "10s"
  }
}

service "worker" {
  program = ["sh", "-c", <<-EOT
    echo "a $${HOME}"
    sleep 1
  EOT
  ]
  dynamic "port" {
    for_each = { metrics = 9000 }
    labels   = [port.key]
    content {
      container = port.value
      protocol  = port.value > 1 ? "http" : "tcp"
    }
  }
}

# once
service "cache" {
  image = "shop/cache"
  env   = { for k, v in local.settings : k => "${v}" if v != null }
  port "redis" {
    container = 6379
  }
}

locals {
  settings = { A = 1, B = null }
}
