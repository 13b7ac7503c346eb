--- What an answer has to hold, so that one which is whole XML or JSON and yet none of the service's is an error, and is not taken for
--- "there is nothing". What is not named here may be missing.
local shape = {}

--- By action: what the types use without asking.
local NEEDS = {
  AllocateAddress = "allocationId",
  AssociateRouteTable = "associationId",
  AuthorizeSecurityGroupEgress = "securityGroupRuleSet.1",
  AuthorizeSecurityGroupIngress = "securityGroupRuleSet.1",
  CreateInternetGateway = "internetGateway.internetGatewayId",
  CreateLaunchTemplate = "launchTemplate.launchTemplateId",
  CreateLaunchTemplateVersion = "launchTemplateVersion.versionNumber",
  CreateNatGateway = "natGateway.natGatewayId",
  CreateRouteTable = "routeTable.routeTableId",
  CreateSecurityGroup = "groupId",
  CreateSubnet = "subnet.subnetId",
  CreateVolume = "volumeId",
  CreateVpc = "vpc.vpcId",
  ImportKeyPair = "keyName",
  ReplaceRouteTableAssociation = "newAssociationId",
  RunInstances = "instancesSet.1",

  CreateInstanceProfile = "InstanceProfile.InstanceProfileName",
  CreatePolicy = "Policy.Arn",
  CreateRole = "Role.RoleName",
  GetInstanceProfile = "InstanceProfile.InstanceProfileName",
  GetPolicy = "Policy.DefaultVersionId",
  GetPolicyVersion = "PolicyVersion.Document",
  GetRole = "Role.AssumeRolePolicyDocument",
  GetRolePolicy = "PolicyDocument",

  CreateListener = "Listeners.1",
  CreateLoadBalancer = "LoadBalancers.1",
  CreateRule = "Rules.1",
  CreateTargetGroup = "TargetGroups.1",
  ModifyListener = "Listeners.1",
  ModifyRule = "Rules.1",
  ModifyTargetGroup = "TargetGroups.1",

  ChangeResourceRecordSets = "ChangeInfo.Id",
  CreateHostedZone = "HostedZone.Id",
  GetChange = "ChangeInfo.Status",
  GetHostedZone = "HostedZone.Name",

  DescribeCertificate = "Certificate.CertificateArn",
  RequestCertificate = "CertificateArn",

  AssumeRole = "Credentials.AccessKeyId",
  AssumeRoleWithWebIdentity = "Credentials.AccessKeyId",
  GetCallerIdentity = "Account",
}

--- Lists of things, and what each of them has.
local ITEMS = {
  addressesSet = "publicIp",
  availabilityZoneInfo = "zoneName",
  imagesSet = "imageId",
  instancesSet = "instanceId",
  internetGatewaySet = "internetGatewayId",
  keySet = "keyName",
  launchTemplateVersionSet = "launchTemplateId",
  launchTemplates = "launchTemplateId",
  natGatewaySet = "natGatewayId",
  networkInterfaceSet = "networkInterfaceId",
  reservationSet = "instancesSet",
  routeTableSet = "routeTableId",
  securityGroupInfo = "groupId",
  securityGroupRuleSet = "securityGroupRuleId",
  subnetSet = "subnetId",
  volumeModificationSet = "volumeId",
  volumeSet = "volumeId",
  vpcSet = "vpcId",

  AttachedPolicies = "PolicyArn",
  InstanceProfiles = "InstanceProfileName",
  Policies = "Arn",
  RoleDetailList = "RoleName",
  Roles = "RoleName",

  Attributes = "Key",
  Listeners = "ListenerArn",
  LoadBalancers = "LoadBalancerArn",
  Rules = "RuleArn",
  TagDescriptions = "ResourceArn",
  TargetGroups = "TargetGroupArn",
  TargetHealthDescriptions = "Target",

  HostedZones = "Id",
  ResourceRecordSets = "Name",
  ResourceTagSets = "ResourceId",

  CertificateSummaryList = "CertificateArn",
}

local function at(value, path)
  for step in path:gmatch("[^.]+") do
    if type(value) ~= "table" then return nil end
    value = value[math.tointeger(tonumber(step)) or step]
  end
  return value ~= "" and value or nil
end

local function wrong_list(name, list)
  local field = ITEMS[name]
  if not field or list == "" then return nil end
  if type(list) ~= "table" then return ("'%s' is no list"):format(name) end
  for i, item in ipairs(list) do
    if at(item, field) == nil then return ("'%s' number %d has no '%s'"):format(name, i, field) end
    local inner = ITEMS[field] and wrong_list(field, item[field])
    if inner then return inner end
  end
  return nil
end

--- What is wrong with the content of an answer to `action`, in words; nil: nothing.
function shape.wrong(action, content)
  local needed = NEEDS[action]
  if needed and at(content, needed) == nil then return ("it has no '%s'"):format((needed:gsub("%.1$", ""))) end
  for name, value in pairs(content) do
    local wrong = wrong_list(name, value)
    if wrong then return wrong end
  end
  return nil
end

return shape
