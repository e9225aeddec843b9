module "m" {
  for_each = toset(["ok", "bad"])
  source   = "./m"
  v        = each.key
}
