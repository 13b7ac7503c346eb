-- tls_private_key: a key pair that lives in the state only.
require "tls"

local attributes = testing.attributes("tls_private_key", "n1", {})
equal(attributes.algorithm, "ED25519")
raises(function() testing.attributes("tls_private_key", "n1", { algorithm = "RSA" }) end, "ED25519")
raises(function() testing.attributes("tls_private_key", "n1", { algoritm = "ED25519" }) end, "algoritm")
