text   = "one line"
nested = []
