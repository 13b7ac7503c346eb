--- aws_acm_certificate_validation: waits until a certificate is issued. What needs a valid certificate refers to this.
local resource = require "resource"
local acm, items = require "aws/lib/acm", require "aws/lib/items"

--- AWS itself gives up after 72 hours; records that are there are seen within minutes.
local DEADLINE = 45 * 60

return resource "aws_acm_certificate_validation" {
  on = "api",
  provider = "aws",
  doc = "The moment a certificate is issued: a create waits for it, at most 45 minutes. Its id is the certificate's ARN.",
  schema = {
    certificate_arn = { "string", required = true, immutable = true, doc = "the certificate" },
    validation_record_fqdns = {
      "list", of = "string", write_only = true, doc = "the records that validate it, so that they are made before",
    },
    id = { "string", computed = true, doc = "the certificate's ARN" },
  },

  list = function(aws, list)
    local have = {}
    items.each(aws, list, function(item)
      local arn = items.id(item) and (item.prior.certificate_arn or item.prior.id) -- Terraform's id is a time
      local certificate = arn and acm.shared(aws, arn)
      if certificate and certificate.Status == "ISSUED" then have[item._name] = { id = arn, certificate_arn = arn } end
    end)
    return have
  end,

  create = function(aws, r, line)
    local arn = r.certificate_arn
    aws:wait { what = "the certificate " .. arn, within = DEADLINE, every = 1, line = line, check = function()
      local certificate = acm.describe(aws, arn)
      if not certificate then return nil, "not shown yet" end
      local status = certificate.Status
      if status == "ISSUED" then return true end
      if status == "FAILED" or status == "VALIDATION_TIMED_OUT" or status == "REVOKED" then
        return fail(("the certificate is %s%s"):format(status, certificate.FailureReason and ": " .. certificate.FailureReason or ""),
          "look at the domains' CAA records and at the validation records, then make it anew: --replace of the certificate")
      end
      return nil, ("%s, waiting for %s"):format(status, table.concat(acm.pending(certificate), ", "))
    end }
    return { id = arn }
  end,

  delete = function() end,
}
