local render = slipway.template

equal(render("a {{ x }} b {{ y.z }}\n", { x = 1, y = { z = "w" } }), "a 1 b w\n")
equal(render("plain", nil), "plain")
equal(render("", {}), "")
equal(render("{% for i = 1, 3 do %}\nline {{ i }}\n{% end %}\nend\n", {}), "line 1\nline 2\nline 3\nend\n")
equal(render("x\n  {% if false then %}\nno\n  {% end %}  \ny", {}), "x\ny")
equal(render("a {% if true then %}b{% end %} c\n", {}), "a b c\n")
equal(render("{% for k, v in pairs(m) do %}{{ k }}={{ v }},{% end %}", { m = { b = 2, a = 1 } }), "a=1,b=2,")
equal(render("{{ 1.0 }} {{ true }} {{ 'x' }}", {}), "1.0 true x")
equal(render("{{ '{{' }} $HOME ${x} {x} }}", {}), "{{ $HOME ${x} {x} }}")
equal(render("a\r\n{% if true then %}\r\nb\r\n{% end %}\r\n", {}), "a\r\nb\r\n")
equal(render("{{ x }}{{ x }}", { x = slipway.unknown }), slipway.unknown)

-- Errors name the template's own line.
local function place(text, vars)
  local ok, e = pcall(render, text, vars)
  check(not ok, "an error")
  return e
end
check(tostring(place("a\nb\n{{ nothing }}\n", {})):find "there is no 'nothing' here")
check(tostring(place("a\n{{ x.y }}\n", { x = {} })):find "template:2: the value is nil")
check(tostring(place("a\n\n{{ x + }}\n", { x = 1 })):find "unexpected symbol")
check(tostring(place("{{ x ", { x = 1 })):find "not closed")
check(tostring(place("{{ }}", {})):find "empty")
check(tostring(place("{{ t }}", { t = {} })):find "is a table")
check(tostring(place("{% for i = 1, 2 do %}\nx\n", {})):find "'end' expected")

-- A template has a playbook's rights, not the library's.
check(tostring(place("{{ core.fail('x') }}", {})):find "there is no 'core' here")
check(tostring(place("{% string.upper = 1 %}", {})):find "read%-only")
