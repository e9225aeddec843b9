locals {
  items = ["a", "b", "c"]
  on    = true
}
output "all" {
  value = [
    "plain ${1 + 1} ${local.on}",
    "%{if local.on}on%{else}off%{endif}",
    "%{for i, x in local.items}${i}=${x} %{endfor}",
    "%{for x in local.items~}\n  ${x}\n%{endfor~}",
    "$${escaped} %%{escaped}",
    <<EOT
no indent
  kept ${local.on ? "on" : "off"}
EOT
    , <<-EOT
      stripped
        by four
      %{for x in local.items~}
      - ${x}
      %{endfor~}
      end
    EOT
    , "${local.items}" [0],
  ]
}
