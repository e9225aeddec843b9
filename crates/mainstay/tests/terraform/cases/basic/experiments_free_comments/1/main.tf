# Comments of every kind.

// slashes
resource "terraform_data" "a" {                     # after a brace
  /* before */ input /* between */ = /* here */ "x" // after
  /*
   * over several lines
   */
}
