locals {
  people = [{ name = "ada", langs = ["en", "fr"] }, { name = "bob", langs = ["de"] }]
  ports  = { http = 80, https = 443 }
}
output "all" {
  value = {
    names    = local.people[*].name
    legacy   = local.people.*.name
    deep     = local.people[*].langs[0]
    list     = [for p in local.people : upper(p.name)]
    indexed  = [for i, p in local.people : "${i}:${p.name}"]
    filtered = [for k, v in local.ports : k if v > 100]
    object   = { for k, v in local.ports : v => k }
    grouped  = { for p in local.people : length(p.langs) => p.name... }
    nested   = { for p in local.people : p.name => [for l in p.langs : "${p.name}-${l}"] }
    of_one   = "text" [*]
    of_null  = null[*]
    flat     = flatten(local.people[*].langs)
  }
}
