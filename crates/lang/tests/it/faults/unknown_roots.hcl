variable "x" {
  default = 1
}

service "web" {
  image = "shop/web"
  env = {
    A = vars.x
    B = variable.x
    C = x
    D = data.aws_ami.x
    E = hello
    F = env.NAME
  }
}
