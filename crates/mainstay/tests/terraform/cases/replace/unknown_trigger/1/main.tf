# A trigger that is not known yet may turn out to be the same: it is planned as a replacement.

resource "terraform_data" "source" { input = "v" }
resource "terraform_data" "a" { triggers_replace = terraform_data.source.output }
