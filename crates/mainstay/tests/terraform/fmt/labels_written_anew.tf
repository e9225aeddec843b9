a plain {}
a "" "tab	here" "\u00e9\U0001F600" "é" "a‍b" "\u0024{x}" "\\ \" \n" {
}
a b-c é { x = 1 }
