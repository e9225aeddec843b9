locals { nothing = "left" }
