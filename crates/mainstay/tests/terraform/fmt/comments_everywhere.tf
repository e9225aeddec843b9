# top
// second
/* block */
resource "terraform_data" "a" { # after brace
  # before attribute
  input = 1 # after
  triggers_replace = 22 // also after
  /* own line */
  depends_on = [ # in list
    terraform_data.b, # after element
    // alone
  ] # after list
  lifecycle { /* inside */ }
  #no space
  //no space either
} # after block
# at the end
