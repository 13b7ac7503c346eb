return require "aws/lib/rule" "Egress"
