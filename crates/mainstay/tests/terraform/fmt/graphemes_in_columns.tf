locals {
  a = "👩‍🚀🇩🇪👍🏽" # joined
  b = "क्षत्रिय" # joined since
  c = "한국어 ﷺ ❤️ 1️⃣" # one each
  d = "é" # two characters
  e = "plain text of some length" # plain
  é = 1 # a name with a mark
  ключ = { 日本 = 1
    k = 2 }
}
