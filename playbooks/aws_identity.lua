--- What machines may do in AWS: pull images from ECR; work with EBS volumes where the CSI driver is asked for. Nothing else.
local aws = require "aws"

local ASSUMED_BY_EC2 = {
  Version = "2012-10-17",
  Statement = { { Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" } },
}
local PULL_IMAGES = {
  Version = "2012-10-17",
  Statement = {
    { Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
    { Effect = "Allow", Action = { "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer" }, Resource = "*" },
  },
}
local EBS_CSI = "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"

local function profile(options, label)
  local name = options.name .. "-" .. label
  local role = aws.iam_role(label) { name = name, description = "machines of " .. options.name, assume_role_policy = ASSUMED_BY_EC2 }
  aws.iam_role_policy(label .. "-images") { name = "pull-images", role = role.name, policy = PULL_IMAGES }
  return aws.iam_instance_profile(label) { name = name, role = role.name }, role
end

--- @return table profiles { plane, node }: instance profiles
return function(options)
  local plane = profile(options, "control-plane")
  local node, role = profile(options, "node")
  if options.ebs_csi then aws.iam_role_policy_attachment "node-ebs-csi" { role = role.name, policy_arn = EBS_CSI } end
  return { plane = plane, node = node }
end
