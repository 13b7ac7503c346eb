--- ACM certificates, as their two types share them.
local acm = {}

acm.GONE = { "ResourceNotFoundException" }

--- The certificate, or nil. Asked for once while a refresh is on.
function acm.describe(aws, arn)
  local out, err = aws.acm:try("DescribeCertificate", { CertificateArn = arn })
  if out then return out.Certificate end
  if err.code == "ResourceNotFoundException" then return nil end
  return aws:raise(err)
end

function acm.shared(aws, arn)
  return aws:once("acm " .. arn, function() return acm.describe(aws, arn) or false end) or nil
end

--- How a certificate's domains are validated, in the order the certificate names them.
--- A domain and its wildcard have the same record.
function acm.validation(certificate)
  local by, out = {}, {}
  for _, option in ipairs(certificate.DomainValidationOptions or {}) do by[option.DomainName] = option end
  local function add(domain)
    local option = by[domain]
    local record = option and option.ResourceRecord
    if not option then return end
    by[domain] = nil
    out[#out + 1] = {
      domain_name = domain,
      resource_record_name = record and record.Name,
      resource_record_type = record and record.Type,
      resource_record_value = record and record.Value,
    }
  end
  add(certificate.DomainName)
  for _, domain in ipairs(certificate.SubjectAlternativeNames or {}) do add(domain) end
  return slipway.list(out)
end

--- The domains that are not validated yet.
function acm.pending(certificate)
  local names = {}
  for _, option in ipairs(certificate.DomainValidationOptions or {}) do
    if option.ValidationStatus ~= "SUCCESS" then names[#names + 1] = option.DomainName end
  end
  return names
end

return acm
