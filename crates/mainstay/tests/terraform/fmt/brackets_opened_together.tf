locals {
  a = merge({
    x = 1
  }, {
      y = 2
  })
  b = [{
    x = 1
    }, {
    y = 2
  }]
  c = foo(bar(
    1,
    2
  ))
  d = foo([
      1,
  ], {
    a=1
  })
}
