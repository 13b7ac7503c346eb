--- aws_acm_certificate: a certificate of AWS's own authority, for load balancers.
local resource = require "resource"
local acm, items, tags = require "aws/lib/acm", require "aws/lib/items", require "aws/lib/tags"

--- What comes with it, in the order of the declaration: AWS answers in another one.
local function alternatives(item, certificate)
  local rest, out = {}, {}
  for _, name in ipairs(certificate.SubjectAlternativeNames or {}) do
    if name ~= certificate.DomainName then rest[name] = true end
  end
  for _, name in ipairs(item.subject_alternative_names or {}) do
    if rest[name] or name == certificate.DomainName then
      out[#out + 1] = name
      rest[name] = nil
    end
  end
  for name in pairs(rest) do out[#out + 1] = name end
  return slipway.list(out)
end

local function read(aws, item, certificate, set)
  local names = alternatives(item, certificate)
  local options = certificate.Options or {}
  return {
    id = certificate.CertificateArn,
    arn = certificate.CertificateArn,
    domain_name = certificate.DomainName,
    subject_alternative_names = names,
    domain_validation_options = acm.validation {
      DomainName = certificate.DomainName, SubjectAlternativeNames = names, DomainValidationOptions = certificate.DomainValidationOptions,
    },
    validation_method = (certificate.DomainValidationOptions or {})[1] and certificate.DomainValidationOptions[1].ValidationMethod,
    key_algorithm = certificate.KeyAlgorithm and certificate.KeyAlgorithm:gsub("%-", "_") or nil,
    options = { certificate_transparency_logging_preference = options.CertificateTransparencyLoggingPreference },
    status = certificate.Status,
    type = certificate.Type,
    not_after = certificate.NotAfter and tostring(certificate.NotAfter),
    tags = tags.read(aws, item, set),
  }
end

local function tags_of(aws, arn)
  local out, err = aws.acm:try("ListTagsForCertificate", { CertificateArn = arn })
  if out then return out.Tags or {} end
  return err.code ~= "ResourceNotFoundException" and aws:raise(err) or {}
end

--- Waits until it is known by which records its domains are validated.
local function settle(aws, arn, by_dns, line)
  return aws:wait { what = "the certificate " .. arn, within = 300, line = line, check = function()
    local certificate = acm.describe(aws, arn)
    if not certificate then return nil, "not shown yet" end
    local options = certificate.DomainValidationOptions or {}
    if #options == 0 then return nil, "no validation options yet" end
    for _, option in ipairs(options) do
      if by_dns and not option.ResourceRecord then return nil, "no validation record for " .. option.DomainName .. " yet" end
    end
    return certificate
  end }
end

local function retag(aws, r)
  local set, remove = tags.changes(aws, r)
  if set then aws.acm:call("AddTagsToCertificate", { CertificateArn = r.have.id, Tags = set }) end
  if not remove then return end
  local gone = {}
  for i, key in ipairs(remove) do gone[i] = { Key = key } end
  aws.acm:call("RemoveTagsFromCertificate", { CertificateArn = r.have.id, Tags = gone })
end

--- 32 word characters that are the same in every attempt of one create.
local function token(r) return sha256(r._token or r._address):sub(1, 32) end

--- A certificate has no name: one of this create is found by its domain and tag.
local function made_by(aws, item)
  local listed = aws:once("acm certificates", function()
    return aws.acm:pages("ListCertificates", {
      MaxItems = 1000, Includes = { keyTypes = { "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1" } },
    }, "CertificateSummaryList")
  end)
  for _, one in ipairs(listed) do
    if one.DomainName == item.domain_name then
      for _, tag in ipairs(tags_of(aws, one.CertificateArn)) do
        if tag.Key == "slipway:token" and tag.Value == item._token then return one.CertificateArn end
      end
    end
  end
end

return resource "aws_acm_certificate" {
  on = "api",
  provider = "aws",
  doc = "A public certificate, validated by DNS or mail. Its id is its ARN. Use create_before_destroy: a certificate that is in use cannot be deleted.",
  schema = {
    domain_name = { "string", required = true, immutable = true, doc = "the domain; *.example.org is a wildcard" },
    subject_alternative_names = { "list", of = "string", default = slipway.list {}, immutable = true, doc = "further domains" },
    validation_method = { "string", default = "DNS", immutable = true, one_of = { "DNS", "EMAIL" }, doc = "how it is shown that the domains are yours" },
    key_algorithm = {
      "string", immutable = true, one_of = { "RSA_2048", "EC_prime256v1", "EC_secp384r1" }, doc = "the kind of key; RSA_2048 when it is not set",
    },
    options = {
      "map",
      of = { certificate_transparency_logging_preference = { "string", one_of = { "ENABLED", "DISABLED" }, doc = "whether it is in the public logs" } },
      doc = "what can be chosen",
    },
    tags = tags.row,
    id = { "string", computed = true, doc = "its ARN" },
    arn = { "string", computed = true, doc = "its ARN" },
    status = { "string", computed = true, doc = "PENDING_VALIDATION, ISSUED, ..." },
    type = { "string", computed = true, doc = "AMAZON_ISSUED or IMPORTED" },
    not_after = { "string", computed = true, doc = "when it ends, in seconds since 1970" },
    domain_validation_options = {
      "list",
      computed = true,
      of = {
        domain_name = { "string", doc = "the domain" },
        resource_record_name = { "string", doc = "the record's name" },
        resource_record_type = { "string", doc = "the record's type, CNAME" },
        resource_record_value = { "string", doc = "the record's value" },
      },
      doc = "the record that validates each domain: domain_name first, then subject_alternative_names in order; a domain and its wildcard have the same one",
    },
  },

  normalise = function(want)
    local out = {}
    for key, value in pairs(want) do out[key] = value end
    out.domain_name = want.domain_name:lower():gsub("%.$", "")
    local list = {}
    for i, name in ipairs(want.subject_alternative_names or {}) do list[i] = name:lower():gsub("%.$", "") end
    out.subject_alternative_names = slipway.list(list)
    return out
  end,

  list = function(aws, list)
    local have = {}
    items.each(aws, list, function(item)
      local arn = items.id(item) or items.adopts(item) and made_by(aws, item)
      if not arn then return end
      local certificate, set
      aws:all {
        function() certificate = acm.shared(aws, arn) end,
        function() set = tags_of(aws, arn) end,
      }
      if certificate then have[item._name] = read(aws, item, certificate, set) end
    end)
    return have
  end,

  create = function(aws, r, line)
    local arn = r.have and r.have.id
    arn = arn or aws.acm:call("RequestCertificate", {
      DomainName = r.domain_name,
      SubjectAlternativeNames = r.subject_alternative_names[1] and r.subject_alternative_names or nil,
      ValidationMethod = r.validation_method,
      KeyAlgorithm = r.key_algorithm,
      IdempotencyToken = token(r),
      Options = r.options and { CertificateTransparencyLoggingPreference = r.options.certificate_transparency_logging_preference },
      Tags = aws:tags(r),
    }).CertificateArn
    if r.have then retag(aws, r) end
    local out = read(aws, r, settle(aws, arn, r.validation_method == "DNS", line), {})
    out.tags = r.tags
    return out
  end,

  update = function(aws, r)
    local arn, want, have = r.have.id, r.options, r.have.options or {}
    local logging = want and want.certificate_transparency_logging_preference
    if logging and logging ~= have.certificate_transparency_logging_preference then
      local options = { CertificateTransparencyLoggingPreference = logging }
      aws.acm:call("UpdateCertificateOptions", { CertificateArn = arn, Options = options }, { idempotent = true })
    end
    retag(aws, r)
    return { tags = r.tags }
  end,

  delete = function(aws, r)
    -- A load balancer holds it for a while after its listener has gone.
    aws.acm:call("DeleteCertificate", { CertificateArn = (r.have or r.prior).id },
      { gone = acm.GONE, retry = { "ResourceInUseException", "ConflictException" }, within = 1200 })
  end,
}
