--- The hash by which a joining node knows the cluster's CA, computed from the certificate itself.
--- kubeadm's form: "sha256:" + SHA-256 of the DER SubjectPublicKeyInfo (RFC 5280, section 4.1).

--- Reads one DER element at `at`: its tag, where its content starts, where it ends (exclusive).
local function element(der, at)
  local tag, length = der:byte(at, at + 1)
  if not tag or not length then error("the certificate is cut short", 0) end
  local start = at + 2
  if length >= 0x80 then
    local octets = length - 0x80
    length = 0
    for i = 0, octets - 1 do length = length * 256 + (der:byte(start + i) or 0) end
    start = start + octets
  end
  return tag, start, start + length
end

--- @param pem string  a PEM certificate (the first one is used)
--- @return string hash "sha256:…" in hex
local function ca_hash(pem)
  local body = pem:match("%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-(.-)%-%-%-%-%-END CERTIFICATE%-%-%-%-%-")
  if not body then error("not a PEM certificate", 0) end
  local der = base64.decode(body)
  local _, certificate = element(der, 1)
  local _, at = element(der, certificate) -- into tbsCertificate
  if der:byte(at) == 0xa0 then at = select(3, element(der, at)) end -- [0] version, optional
  -- serialNumber, signature, issuer, validity, subject come before the key
  for _ = 1, 5 do at = select(3, element(der, at)) end
  local _, _, after = element(der, at)
  return "sha256:" .. sha256(der:sub(at, after - 1))
end

return { ca_hash = ca_hash }
