moved{
  from=terraform_data.a[0]
  to=terraform_data.a["x"]
}
import {
to=terraform_data.b
  id="x"
    for_each = {a=1}
}
removed {
    from = module.x
  lifecycle {destroy=false}
}
check "c" {
    assert {
condition=1==1
        error_message="x"
    }
}
