module "m" {
  source = "./sub/m"
}
output "paths" {
  value = { module = path.module, root = path.root, inner = module.m.module, inner_root = module.m.root }
}
output "file" { value = module.m.file }
