"""The proxy in front of moto does what it says, as boto3 sees it: an SDK that knows nothing of slipway signs, asks and reads the errors."""

import time

from aws_site import AwsCase, Pending, unittest
from moto import KEY_ID, SECRET, TOKEN

IMAGE = "ami-0a000000100000000"
EC2_ROLE = '{"Version":"2012-10-17","Statement":[]}'
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'


class Proxy(AwsCase):
    def client(self, service: str, secret: str = SECRET, token: str | None = TOKEN, key: str = KEY_ID):
        self.moto.client(service)  # finds boto3
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(service, region_name=self.region, endpoint_url=self.proxy.endpoint, aws_access_key_id=key,
                                              aws_secret_access_key=secret, aws_session_token=token, config=Config(retries={"total_max_attempts": 1}))

    def refused(self, code: str, call, *arguments, **parameters) -> None:
        from botocore.exceptions import ClientError

        with self.assertRaises(ClientError) as caught:
            call(*arguments, **parameters)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)

    def network(self, ec2, subnets: int = 2) -> tuple[str, list[str]]:
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        return vpc, [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=self.region + "ac"[i % 2])["Subnet"]["SubnetId"]
                     for i in range(subnets)]

    def test_signatures(self):
        ec2, iam, route53, acm, s3 = map(self.client, ("ec2", "iam", "route53", "acm", "s3"))
        self.assertEqual(self.client("sts").get_caller_identity()["Account"], "123456789012")
        ec2.describe_vpcs(), iam.list_roles(), route53.list_hosted_zones(), acm.list_certificates(), s3.list_buckets()
        self.refused("SignatureDoesNotMatch", self.client("ec2", secret="wrong").describe_vpcs)
        self.refused("SignatureDoesNotMatch", self.client("route53", secret="wrong").list_hosted_zones)
        self.refused("AuthFailure", self.client("ec2", key="AKIANOBODY").describe_vpcs)
        self.refused("AuthFailure", self.client("ec2", token=None).describe_vpcs)
        self.proxy.clock = 400
        self.refused("RequestExpired", ec2.describe_vpcs)
        self.refused("SignatureDoesNotMatch", iam.list_roles)
        self.proxy.clock, self.proxy.expired = 0, True
        self.refused("RequestExpired", ec2.describe_vpcs)
        self.refused("ExpiredToken", acm.list_certificates)

    def test_pages(self):
        ec2 = self.client("ec2")
        vpc, subnets = self.network(ec2, 7)
        self.proxy.world.page_size = 5
        ours = [{"Name": "vpc-id", "Values": [vpc]}]
        page = ec2.describe_subnets(Filters=ours)
        self.assertEqual(len(page["Subnets"]), 5)
        self.assertEqual(len(ec2.describe_subnets(Filters=ours, NextToken=page["NextToken"])["Subnets"]), 2)
        self.refused("InvalidNextToken", ec2.describe_subnets, NextToken=page["NextToken"])  # of another question
        every = [one["SubnetId"] for each in ec2.get_paginator("describe_subnets").paginate(Filters=ours) for one in each["Subnets"]]
        self.assertEqual(sorted(every), sorted(subnets))
        self.refused("InvalidParameterValue", ec2.describe_route_tables, MaxResults=1000)
        self.refused("InvalidParameterCombination", ec2.describe_instances, MaxResults=5, InstanceIds=["i-1"])

    def test_states(self):
        ec2, elb = self.client("ec2"), self.client("elbv2")
        for kind in ("vpc", "instance", "volume", "lb", "ending"):
            self.proxy.world.pending[kind] = Pending(describes=1)
        vpc, subnets = self.network(ec2)

        def states(call, *path):
            found = []
            for _ in range(2):
                thing = call()
                for step in path:
                    thing = thing[step]
                found.append(thing)
            return found

        self.assertEqual(states(lambda: ec2.describe_vpcs(VpcIds=[vpc]), "Vpcs", 0, "State"), ["pending", "available"])
        machine = ec2.run_instances(ImageId=IMAGE, InstanceType="t3.large", MinCount=1, MaxCount=1, SubnetId=subnets[0])["Instances"][0]["InstanceId"]
        volume = ec2.create_volume(AvailabilityZone=f"{self.region}a", Size=5)["VolumeId"]
        self.refused("IncorrectState", ec2.attach_volume, VolumeId=volume, InstanceId=machine, Device="/dev/sdf")
        state = ("Reservations", 0, "Instances", 0, "State", "Name")
        self.assertEqual(states(lambda: ec2.describe_instances(InstanceIds=[machine]), *state), ["pending", "running"])
        self.assertEqual(states(lambda: ec2.describe_volumes(VolumeIds=[volume]), "Volumes", 0, "State"), ["creating", "available"])
        ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device="/dev/sdf")
        ec2.terminate_instances(InstanceIds=[machine])
        self.assertEqual(states(lambda: ec2.describe_instances(InstanceIds=[machine]), *state), ["shutting-down", "terminated"])
        elb.create_load_balancer(Name="x", Subnets=subnets, Type="network")
        self.assertEqual(states(elb.describe_load_balancers, "LoadBalancers", 0, "State", "Code"), ["provisioning", "active"])

    def test_not_seen_yet(self):
        ec2, iam = self.client("ec2"), self.client("iam")
        self.proxy.world.invisible.update(vpc=1, role=1)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.refused("InvalidVpcID.NotFound", ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.0.0/24")
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
        vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        self.assertEqual([len(ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Vpcs"]) for _ in range(2)], [0, 1])
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2_ROLE)
        self.refused("NoSuchEntity", iam.put_role_policy, RoleName="r", PolicyName="p", PolicyDocument=POLICY)
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=POLICY)
        self.refused("DeleteConflict", iam.delete_role, RoleName="r")

    def test_once_with_a_token(self):
        ec2, elb, route53 = self.client("ec2"), self.client("elbv2"), self.client("route53")
        vpc, subnets = self.network(ec2)
        machine = {"ImageId": IMAGE, "InstanceType": "t3.large", "MinCount": 1, "MaxCount": 1, "SubnetId": subnets[0], "ClientToken": "t"}
        first = ec2.run_instances(**machine)["Instances"][0]["InstanceId"]
        self.assertEqual(ec2.run_instances(**machine)["Instances"][0]["InstanceId"], first)
        self.refused("IdempotentParameterMismatch", ec2.run_instances, **{**machine, "SubnetId": subnets[1]})
        self.assertEqual(len(self.moto.inventory()["instance"]), 1)
        balancer = elb.create_load_balancer(Name="x", Subnets=subnets, Type="network")["LoadBalancers"][0]["LoadBalancerArn"]
        again = elb.create_load_balancer(Name="x", Subnets=subnets, Type="network")["LoadBalancers"][0]["LoadBalancerArn"]
        self.assertEqual(again, balancer)
        self.refused("DuplicateLoadBalancerName", elb.create_load_balancer, Name="x", Subnets=subnets, Type="application")
        group = [elb.create_target_group(Name="t", Port=80, Protocol="TCP", VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"] for _ in range(2)]
        self.assertEqual(group[0], group[1])
        forward = [{"Type": "forward", "TargetGroupArn": group[0]}]
        elb.create_listener(LoadBalancerArn=balancer, Port=80, Protocol="TCP", DefaultActions=forward)
        self.refused("DuplicateListener", elb.create_listener, LoadBalancerArn=balancer, Port=80, Protocol="TCP", DefaultActions=forward)
        route53.create_hosted_zone(Name="example.org", CallerReference="1")
        self.refused("HostedZoneAlreadyExists", route53.create_hosted_zone, Name="example.org", CallerReference="1")

    def test_what_holds_on(self):
        ec2 = self.client("ec2")
        vpc, subnets = self.network(ec2)
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        self.refused("Gateway.NotAttached", ec2.create_nat_gateway, SubnetId=subnets[1], AllocationId=address)
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        nat = ec2.create_nat_gateway(SubnetId=subnets[1], AllocationId=address)["NatGateway"]["NatGatewayId"]
        group = ec2.create_security_group(GroupName="a", Description="d", VpcId=vpc)["GroupId"]
        machine = ec2.run_instances(ImageId=IMAGE, InstanceType="t3.large", MinCount=1, MaxCount=1, SubnetId=subnets[0], SecurityGroupIds=[group])
        for subnet in subnets:
            self.refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet)
        self.refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
        self.refused("DependencyViolation", ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
        self.refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
        self.refused("InvalidIPAddress.InUse", ec2.release_address, AllocationId=address)
        ec2.terminate_instances(InstanceIds=[machine["Instances"][0]["InstanceId"]])
        ec2.delete_nat_gateway(NatGatewayId=nat)
        ec2.release_address(AllocationId=address)
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.delete_internet_gateway(InternetGatewayId=gateway)
        ec2.delete_security_group(GroupId=group)
        for subnet in subnets:
            ec2.delete_subnet(SubnetId=subnet)
        ec2.delete_vpc(VpcId=vpc)
        self.assertEqual(self.moto.inventory(), {})

    def test_names(self):
        route53, acm = self.client("route53"), self.client("acm")
        self.proxy.world.pending.update(certificate=Pending(1), change=Pending(1))
        zone = route53.create_hosted_zone(Name="example.org", CallerReference="1")
        self.assertEqual([route53.get_change(Id=zone["ChangeInfo"]["Id"])["ChangeInfo"]["Status"] for _ in range(2)], ["PENDING", "INSYNC"])

        def change(action, name, kind, value):
            record = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
            route53.change_resource_record_sets(HostedZoneId=zone["HostedZone"]["Id"], ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]})

        arn = acm.request_certificate(DomainName="api.example.org", ValidationMethod="DNS")["CertificateArn"]

        def certificate():
            return acm.describe_certificate(CertificateArn=arn)["Certificate"]

        self.assertNotIn("ResourceRecord", certificate()["DomainValidationOptions"][0])
        proof = certificate()["DomainValidationOptions"][0]["ResourceRecord"]
        time.sleep(self.moto.validation_wait + 0.5)
        self.assertEqual(certificate()["Status"], "PENDING_VALIDATION")
        change("CREATE", proof["Name"], "CNAME", proof["Value"])
        self.assertEqual(certificate()["Status"], "ISSUED")
        # boto3 finds no code in this form of the error.
        self.refused("", change, "CREATE", proof["Name"], "CNAME", proof["Value"])
        self.refused("", change, "DELETE", "q.example.org", "A", "192.0.2.1")
        self.refused("", change, "CREATE", "q.example.org", "A", "192.0.2.400")

    def test_faults(self):
        ec2, elb, route53, acm = map(self.client, ("ec2", "elbv2", "route53", "acm"))
        from botocore.exceptions import ClientError, ConnectionClosedError  # there since the first client
        rules = self.proxy.rules
        rules.throttle("*", times=0)
        for code, call in (("RequestLimitExceeded", ec2.describe_vpcs), ("ThrottlingException", elb.describe_load_balancers),
                           ("Throttling", route53.list_hosted_zones), ("ThrottlingException", acm.list_certificates)):
            self.refused(code, call)
        rules.clear()
        rules.unauthorized("CreateVpc")
        self.refused("UnauthorizedOperation", ec2.create_vpc, CidrBlock="10.0.0.0/16")
        rules.clear()
        rules.fail("DescribeVpcs", "InternalError", "x", 500, nth=2, times=2)
        outcomes = []
        for _ in range(4):
            try:
                ec2.describe_vpcs()
                outcomes.append(200)
            except ClientError as why:
                outcomes.append(why.response["ResponseMetadata"]["HTTPStatusCode"])
        self.assertEqual(outcomes, [200, 500, 500, 200])
        rules.drop("CreateVpc")
        with self.assertRaises(ConnectionClosedError):
            ec2.create_vpc(CidrBlock="10.0.0.0/16")
        self.assertEqual(len(self.moto.inventory()["vpc"]), 1)
        rules.limit("ec2:DescribeVpcs", 2, 0.01)
        ec2.describe_vpcs(), ec2.describe_vpcs()
        self.refused("RequestLimitExceeded", ec2.describe_vpcs)
        _, subnets = self.network(ec2)
        self.proxy.world.full_zones = {f"{self.region}a"}
        machine = {"ImageId": IMAGE, "InstanceType": "t3.large", "MinCount": 1, "MaxCount": 1}
        self.refused("InsufficientInstanceCapacity", ec2.run_instances, SubnetId=subnets[0], **machine)
        ec2.run_instances(SubnetId=subnets[1], **machine)
        self.assertEqual(self.proxy.counts()["ec2:RunInstances"], 2)


if __name__ == "__main__":
    unittest.main()
