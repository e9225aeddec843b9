output "all" {
  value = {
    text     = file("${path.module}/data/text.txt")
    exists   = [fileexists("data/text.txt"), fileexists("data/nope.txt")]
    set      = fileset("data", "**/*.txt")
    json     = jsondecode(file("data/values.json"))
    base64   = filebase64("data/text.txt")
    sha256   = filesha256("data/text.txt")
    template = templatefile("data/greeting.tftpl", { names = ["ada", "bob"], loud = true })
    yaml     = yamldecode(file("data/values.yaml"))
    csv      = csvdecode(file("data/rows.csv"))
  }
}
