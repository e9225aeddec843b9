variable "n" { default = 7 }
resource "terraform_data" "a" {
  input = {
    arithmetic = [var.n + 1, var.n - 10, var.n * 0.5, var.n / 2, var.n % 4, -var.n]
    comparison = [var.n > 3, var.n >= 7, var.n < 3, var.n <= 7, var.n == 7, var.n != 7]
    logic      = [true && false, true || false, !true]
    chosen     = var.n > 5 ? "large" : "small"
    nested     = var.n > 10 ? "huge" : var.n > 5 ? "large" : "small"
    unified    = var.n > 5 ? 1 : "one"
    null       = var.n > 5 ? null : "x"
  }
}
