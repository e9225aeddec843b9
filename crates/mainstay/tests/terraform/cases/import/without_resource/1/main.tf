import {
  to = terraform_data.missing
  id = "some-id"
}
