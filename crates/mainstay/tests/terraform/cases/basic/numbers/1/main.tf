# Numbers are exact decimals, and are written to JSON as such.

resource "terraform_data" "a" {
  input = {
    big       = 123456789012345678901234567890
    small     = 0.000000000000000000000123
    sum       = 0.1 + 0.2
    third     = 1 / 3
    negative  = -7.25
    exponent  = 1.5e3
    huge      = 1e30
    zero      = -0
    max_int   = 9223372036854775807
    beyond    = 9223372036854775808
    from_text = tonumber("12345678901234567890.5")
  }
}
