"""Buckets with their settings, and data sources."""

import json

from aws_types import TRUST, TypesCase, unittest


class Services(TypesCase):
    # ---- buckets

    BUCKET = """
local b = aws.s3_bucket "logs" {{ bucket = "eco-logs-1", tags = {{ Owner = "{owner}" }}{more} }}
aws.s3_bucket_versioning "logs" {{ bucket = b.id, versioning_configuration = {{ status = "{status}" }} }}
aws.s3_bucket_server_side_encryption_configuration "logs" {{ bucket = b.id, rule = {{ apply_server_side_encryption_by_default = {{ sse_algorithm = "{sse}" }} }} }}
aws.s3_bucket_public_access_block "logs" {{ bucket = b.id, block_public_acls = true, block_public_policy = true, ignore_public_acls = true, restrict_public_buckets = {restrict} }}
"""

    def bucket(self, **more) -> str:
        return self.BUCKET.format(**({"owner": "a", "status": "Enabled", "sse": "AES256", "restrict": "true", "more": ""} | more))

    def test_bucket(self):
        site, s3 = self.site().small(self.bucket()), self.moto.client("s3")
        site.apply().expect(0)
        self.assertEqual(s3.get_bucket_location(Bucket="eco-logs-1")["LocationConstraint"], self.region)
        self.refresh(site, 4)
        changed = dict(owner="b", status="Suspended", sse="aws:kms", restrict="false")
        site.small(self.bucket(**changed))
        self.changes(site, {"aws_s3_bucket.logs": "update", "aws_s3_bucket_versioning.logs": "update",
                            "aws_s3_bucket_server_side_encryption_configuration.logs": "update", "aws_s3_bucket_public_access_block.logs": "update"})
        tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket="eco-logs-1")["TagSet"]}
        self.assertEqual(tags["Owner"], "b")
        self.assertIn("slipway:token", tags)

        s3.put_bucket_versioning(Bucket="eco-logs-1", VersioningConfiguration={"Status": "Enabled"})
        s3.delete_public_access_block(Bucket="eco-logs-1")
        s3.put_bucket_encryption(Bucket="eco-logs-1", ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]})
        self.changes(site, {"aws_s3_bucket_versioning.logs": "update", "aws_s3_bucket_public_access_block.logs": "create",
                            "aws_s3_bucket_server_side_encryption_configuration.logs": "update"})
        self.adopted(site, {f"aws_s3_bucket{kind}.logs": "eco-logs-1" for kind in ("", "_versioning", "_server_side_encryption_configuration", "_public_access_block")})

        self.gone(site)

    def test_what_is_in_a_bucket(self):
        """It is kept, unless one says otherwise; then all versions go, and the marks of deletions."""
        site, s3 = self.site().small('aws.s3_bucket "b" { bucket = "eco-full" }'), self.moto.client("s3")
        site.apply().expect(0)
        s3.put_bucket_versioning(Bucket="eco-full", VersioningConfiguration={"Status": "Enabled"})
        for name in ("a b&c", "d/e", "d/e", "<x>"):
            s3.put_object(Bucket="eco-full", Key=name, Body=b"x")
        s3.delete_object(Bucket="eco-full", Key="d/e")
        site.destroy().expect(1, "there are objects in it", "force_destroy")
        self.assertEqual(len(s3.list_object_versions(Bucket="eco-full")["Versions"]), 4)
        site.small('aws.s3_bucket "b" { bucket = "eco-full", force_destroy = true }').apply().expect(0)
        self.gone(site)

    def test_bucket_refusals(self):
        for region, where in (("us-east-1", {}), ("ap-northeast-2", {"CreateBucketConfiguration": {"LocationConstraint": "ap-northeast-2"}})):
            with self.subTest(region):
                self.moto.client("s3", region).create_bucket(Bucket=f"eco-{region}", **where)
                site = self.site().small(f'aws.s3_bucket "b" {{ bucket = "eco-{region}" }}')
                file = site.directory / "inventory.yaml"
                file.write_text(file.read_text().replace(self.region, region))
                site.apply().expect(1, "already, which this state does not know")
        self.site().small('aws.s3_bucket "b" { bucket = "No_Name" }').run("validate").expect(1, "3 to 63 small letters")
        site = self.site().small('aws.s3_bucket "b" { bucket = "eco-new" }')
        file = site.directory / "inventory.yaml"
        file.write_text(file.read_text().replace(self.region, "us-east-1"))
        site.apply().expect(0)
        site.destroy().expect(0)

    # ---- moving in

    def test_from_terraform(self):
        """What Terraform calls by another id is found by its attributes."""
        site = self.site().small(f"""
local role = aws.iam_role "node" {{ assume_role_policy = {TRUST} }}
aws.iam_role_policy_attachment "read" {{ role = role.name, policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess" }}
local vpc = aws.vpc "main" {{ cidr_block = "10.0.0.0/16" }}
local group = aws.lb_target_group "api" {{ port = 6443, protocol = "TCP", vpc_id = vpc.id, target_type = "ip", health_check = {{ interval = 10 }} }}
aws.lb_target_group_attachment "one" {{ target_group_arn = group.arn, target_id = "10.0.0.5", port = 6443 }}
local b = aws.s3_bucket "b" {{ bucket = "eco-moved" }}
aws.s3_bucket_versioning "b" {{ bucket = b.id, versioning_configuration = {{ status = "Enabled" }} }}
local zone = aws.route53_zone "z" {{ name = "example.org" }}
aws.route53_record "w" {{ zone_id = zone.id, name = "w.example.org", type = "A", ttl = 60, records = {{ "192.0.2.1" }} }}
local cert = aws.acm_certificate "c" {{ domain_name = "example.org" }}
local option = cert.domain_validation_options[1]
aws.route53_record "v" {{ zone_id = zone.id, name = option.resource_record_name, type = option.resource_record_type, ttl = 60, records = {{ option.resource_record_value }} }}
aws.acm_certificate_validation "c" {{ certificate_arn = cert.arn }}
""")
        site.apply().expect(0)
        addresses = [row[0] for row in site.sql("select address from resource")]
        resources = []
        stamp = "20260801120000000000000001"
        for address in addresses:
            kind, name = address.split(".")
            attributes = site.recorded(address)["attributes"]
            attributes["id"] = {
                "aws_iam_role_policy_attachment": f"node-{stamp}", "aws_lb_target_group_attachment": f"{attributes.get('target_group_arn')}-{stamp}",
                "aws_acm_certificate_validation": "2026-08-01 12:00:00 +0000 UTC"}.get(kind, attributes["id"])
            for block in ("health_check", "versioning_configuration"):
                if block in attributes:
                    attributes[block] = [attributes[block]]
            resources.append({"mode": "managed", "type": kind, "name": name, "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
                              "instances": [{"schema_version": 0, "attributes": attributes}]})
        file = site.directory / "terraform.tfstate"
        file.write_text(json.dumps({"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "x", "outputs": {}, "resources": resources}))
        site.run("state", "rm", "--yes", *addresses).expect(0)
        site.run("import", "--from-terraform-state", str(file), "--yes").expect(0, f"{len(addresses)} adopted")
        self.assertEqual(site.plan(), {})
        self.gone(site)

    # ---- data sources

    def test_data_sources(self):
        ssm, route53 = self.moto.client("ssm"), self.moto.client("route53")
        ssm.put_parameter(Name="/eco/image", Value="ami-123", Type="String")
        ssm.put_parameter(Name="/eco/password", Value="hunter2-hunter2", Type="SecureString")
        for number in range(12):
            ssm.put_parameter(Name=f"/eco/n{number}", Value=f"v{number}", Type="String")
        zone = route53.create_hosted_zone(Name="example.org", CallerReference="x")["HostedZone"]["Id"].rsplit("/", 1)[-1]
        site = self.site().small("""
local me = aws.data.caller_identity "me" {}
local image = aws.data.ssm_parameter "image" { name = "/eco/image" }
local password = aws.data.ssm_parameter "password" { name = "/eco/password" }
for i = 0, 11 do aws.data.ssm_parameter("n" .. i) { name = "/eco/n" .. i } end
local zone = aws.data.route53_zone "z" { name = "example.org." }
output "account" { value = me.account_id }
output "image" { value = image.value }
output "zone" { value = zone.zone_id }
output "password" { value = password.value }
aws.iam_role "r" { description = "runs " .. image.value, assume_role_policy = %s, tags = { Secret = password.value } }
""" % TRUST)
        since = len(self.proxy.calls)
        plan = site.run("plan").expect(0, without=("hunter2",))
        self.assertIn("(sensitive)", plan.text)
        self.assertEqual(self.proxy.counts(since)["ssm:GetParameters"], 2)
        site.apply().expect(0, "1 done", without=("hunter2",))
        self.assertEqual(site.run("output", "account").expect(0).out, "123456789012\n")
        self.assertEqual(site.run("output", "image").expect(0).out, "ami-123\n")
        self.assertEqual(site.run("output", "zone").expect(0).out, zone + "\n")
        role = self.moto.client("iam").get_role(RoleName="r")["Role"]
        self.assertEqual(role["Description"], "runs ami-123")
        self.assertIn({"Key": "Secret", "Value": "hunter2-hunter2"}, role["Tags"])
        site.converged()
        for name in site.state.iterdir():
            if name.is_file():
                self.assertNotIn(b"hunter2", name.read_bytes(), name)
        site.destroy().expect(0, without=("hunter2",))
        self.site().small("""
local password = aws.data.ssm_parameter "password" { name = "/eco/password" }
aws.route53_record "t" { zone_id = "Z1", name = "t", type = "TXT", ttl = 60, records = { password.value } }
""").run("plan").expect(1, "DNS is public", without=("hunter2",))
        self.site().small('aws.data.ssm_parameter "x" { name = "/eco/none" }').run("plan").expect(1, "data.aws_ssm_parameter.x", "/eco/none")
        self.site().small('aws.data.route53_zone "x" { name = "example.com" }').run("plan").expect(1, "data.aws_route53_zone.x", "example.com")


if __name__ == "__main__":
    unittest.main()
