# café
locals {
 a=1 # été
 /* é */ bbb = 2
}
