locals { gone = true }
