# The shop: a web service, a worker, and the Redis that both use. `mainstay up` starts all of it on this machine.

project {
  name = "shop"
}

variable "web_replicas" {
  type        = number
  default     = 2
  description = "How many copies of the web service run"
}

variable "settings" {
  type        = string
  default     = "settings.json"
  description = "The settings file that goes into the web service's image; the demonstration deploys others"
}

# The program is built first, then put into an image that has nothing else.
image "shop/app" {
  build      = ["./build"]
  entrypoint = ["/shop"]

  file {
    source      = "bin/shop"
    destination = "/shop"
    mode        = "0755"
  }
  file {
    source      = var.settings
    destination = "/settings.json"
  }
}

# Redis as Debian has it, with the libraries that it needs and nothing else.
image "shop/cache" {
  programs   = ["/usr/bin/redis-server"]
  entrypoint = ["/usr/bin/redis-server"]
}

service "cache" {
  image   = "shop/cache"
  command = ["/usr/bin/redis-server", "--bind", "$(HOST)", "--port", "$(PORT)", "--save", "", "--protected-mode", "no"]

  port "redis" {
    container = 6379
    protocol  = "tcp"
  }
  health {
    tcp = true
  }
  resources {
    memory = "128Mi"
    pids   = 64
  }
}

service "web" {
  image    = "shop/app"
  command  = ["/shop", "web"]
  replicas = var.web_replicas
  env = {
    CACHE = service.cache.address # a reference is a dependency
  }

  port "http" {
    container = 8080
  }
  health {
    http = "/healthz"
  }
  route {
    host = "shop.localhost"
  }
  resources {
    cpu    = 0.5
    memory = "64Mi"
    pids   = 64
  }
  rollout {
    progress_deadline = "10s"
  }
}

service "worker" {
  image   = "shop/app"
  command = ["/shop", "worker"]
  env = {
    CACHE = service.cache.address
  }
  resources {
    memory = "64Mi"
    pids   = 64
  }
}

# Loaded by `up`.
seed "catalog" {
  service  = "cache"
  protocol = "redis"
  files    = ["seed/*.json"]
  key      = "product:${object.id}"
}

output "cache" {
  value       = service.cache.address
  description = "Where Redis answers on this machine"
}
