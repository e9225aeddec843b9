f = "given"
