return require "aws/lib/rule" "Ingress"
