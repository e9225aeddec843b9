a = "many"
b = 2
