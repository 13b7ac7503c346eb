--- Where Kubernetes comes from: a bundle (a directory of binaries and image archives, for nodes without the internet) or packages.
local source = {}

local bundles = {}

--- bundle.json: { kubernetes, sandbox_image, files = { { path, sha256, size, role, image } } }
function source.bundle(inv)
  local dir = inv.kubernetes.bundle
  if not dir then slipway.fail("kubernetes.source is 'bundle', so kubernetes.bundle must name its directory") end
  if not bundles[dir] then
    local bundle = json.decode(slipway.file(dir .. "/bundle.json"))
    if bundle.kubernetes ~= inv.kubernetes.version then
      slipway.fail("the bundle " .. dir .. " holds Kubernetes " .. bundle.kubernetes .. ", the inventory asks for " .. inv.kubernetes.version)
    end
    bundles[dir] = bundle
  end
  return bundles[dir], dir
end

-- The pause image each kubeadm minor names; it must be containerd's sandbox image too.
local PAUSE = { [20] = "3.2", [21] = "3.4.1", [22] = "3.5", [23] = "3.6", [24] = "3.7", [25] = "3.8",
                [26] = "3.9", [30] = "3.9", [31] = "3.10", [34] = "3.10.1" }

--- "1.36.2" -> 36
function source.minor(inv)
  local minor = inv.kubernetes.version:match("^1%.(%d+)%.%d+$")
  if not minor then slipway.fail("kubernetes.version must be like 1.36.2, not '" .. inv.kubernetes.version .. "'") end
  return math.tointeger(tonumber(minor))
end

function source.sandbox_image(inv)
  if inv.kubernetes.source == "bundle" then return source.bundle(inv).sandbox_image end
  local minor, best = source.minor(inv), nil
  for known, version in slipway.sorted(PAUSE) do
    if known <= minor then best = version end
  end
  return "registry.k8s.io/pause:" .. (best or PAUSE[20])
end

return source
