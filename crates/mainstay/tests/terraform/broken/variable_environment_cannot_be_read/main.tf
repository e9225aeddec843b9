variable "l" { type = map(string) }
