"""Certificates and DNS: validated by records of a zone made in the same run; changes that travel together."""

import json

from aws_types import NETWORK, Pending, TypesCase, unittest
from aws_wire import Answer


class Dns(TypesCase):
    DNS = """
local zone = aws.route53_zone "z" {{ name = "Example.org.", comment = "{comment}", tags = {{ Owner = "{owner}" }} }}
local cert = aws.acm_certificate "c" {{ domain_name = "{domain}", subject_alternative_names = {{ "*.{domain}", "other.example.org" }}, lifecycle = {{ create_before_destroy = true }} }}
local records = {{}}
for i, option in ipairs {{ cert.domain_validation_options[1], cert.domain_validation_options[3] }} do
  records[i] = aws.route53_record("v" .. i) {{ zone_id = zone.id, name = option.resource_record_name, type = option.resource_record_type, ttl = 60, records = {{ option.resource_record_value }} }}
end
local valid = aws.acm_certificate_validation "c" {{ certificate_arn = cert.arn, validation_record_fqdns = {{ records[1].fqdn, records[2].fqdn }} }}
local alb = aws.lb "web" {{ subnets = subnets }}
local web = aws.lb_target_group "web" {{ port = 80, protocol = "HTTP", vpc_id = vpc.id }}
aws.lb_listener "https" {{ load_balancer_arn = alb.arn, port = 443, protocol = "HTTPS", certificate_arn = valid.certificate_arn, ssl_policy = "{ssl}",
  default_action = {{ type = "forward", target_group_arn = web.arn }} }}
aws.route53_record "www" {{ zone_id = zone.id, name = "www", type = "A", alias = {{ name = alb.dns_name, zone_id = alb.zone_id, evaluate_target_health = true }} }}
aws.route53_record "text" {{ zone_id = zone.id, name = "*.Example.org", type = "TXT", ttl = {ttl}, records = {{ 'say "hello"', "a&b<c>" }} }}
"""

    def dns(self, **more) -> str:
        return NETWORK + self.DNS.format(**({"comment": "ours", "owner": "a", "domain": "example.org", "ttl": 60, "ssl": "ELBSecurityPolicy-TLS13-1-2-2021-06"} | more))

    def test_certificate_and_dns(self):
        self.proxy.world.pending = {"certificate": Pending(describes=2), "change": Pending(describes=1)}
        site, route53, acm = self.site().small(self.dns()), self.moto.client("route53"), self.moto.client("acm")
        site.apply().expect(0)
        counts = self.refresh(site, 24)
        self.assertEqual((counts["acm:DescribeCertificate"], counts["route53:ListResourceRecordSets"]), (1, 1), counts)
        zone = site.id_of("aws_route53_zone.z")
        wild = [one for one in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] if one["Type"] == "TXT"]
        self.assertEqual([one["Value"] for one in wild[0]["ResourceRecords"]], ['"a&b<c>"', '"say \\"hello\\""'])
        self.assertEqual(site.recorded("aws_acm_certificate.c")["attributes"]["domain_validation_options"][1]["domain_name"], "*.example.org")

        site.small(self.dns(comment="theirs", owner="b", ttl=300, ssl="ELBSecurityPolicy-2016-08"))
        self.changes(site, {"aws_route53_zone.z": "update", "aws_route53_record.text": "update", "aws_lb_listener.https": "update"})

        # By hand.
        def change(action: str, record: dict) -> None:
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]})
        text = {"Name": "*.example.org.", "Type": "TXT", "TTL": 5, "ResourceRecords": [{"Value": '"other"'}]}
        change("UPSERT", text)
        www = next(one for one in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] if one["Name"].startswith("www"))
        change("DELETE", www)
        acm.add_tags_to_certificate(CertificateArn=site.id_of("aws_acm_certificate.c"), Tags=[{"Key": "Stray", "Value": "x"}])
        self.changes(site, {"aws_route53_record.text": "update", "aws_route53_record.www": "create", "aws_acm_certificate.c": "update"})

        self.adopted(site, {
            "aws_route53_zone.z": zone, "aws_acm_certificate.c": site.id_of("aws_acm_certificate.c"),
            "aws_route53_record.text": f"{zone}_*.example.org_TXT", "aws_route53_record.www": f"{zone}_www.example.org_A",
            "aws_acm_certificate_validation.c": site.id_of("aws_acm_certificate_validation.c")})

        # Another domain is another certificate; the listener moves over before the old one goes.
        site.small(self.dns(comment="theirs", owner="b", ttl=300, ssl="ELBSecurityPolicy-2016-08", domain="new.example.org"))
        site.apply().expect(0)
        site.converged()
        self.assertEqual(list(self.moto.inventory()["certificate"].values()), ["new.example.org"])
        self.gone(site)

    def test_records_travel_together(self):
        body = """
local zone = aws.route53_zone "z" { name = "example.org" }
for i = 1, 40 do aws.route53_record("r" .. i) { zone_id = zone.id, name = "n" .. i, type = "A", ttl = 60, records = { "192.0.2." .. i } } end
aws.route53_record "blue" { zone_id = zone.id, name = "w", type = "A", ttl = 60, records = { "192.0.2.1" }, set_identifier = "blue", weighted_routing_policy = { weight = 90 } }
aws.route53_record "green" { zone_id = zone.id, name = "w", type = "A", ttl = 60, records = { "192.0.2.2" }, set_identifier = "green", weighted_routing_policy = { weight = 10 } }
"""
        self.proxy.world.pending = {"change": Pending(describes=1)}
        site = self.site().small(body)
        since = len(self.proxy.calls)
        site.apply("--parallelism", "64").expect(0, "43 done")
        counts = self.proxy.counts(since)
        self.assertLessEqual(counts["route53:ChangeResourceRecordSets"], 4, counts)
        self.refresh(site, 4)
        self.proxy.world.page_size = 5
        self.assertEqual(self.refresh(site, 14)["route53:ListResourceRecordSets"], 9)
        site.play('local aws = require "aws"\n' + body.replace("weight = 90", "weight = 80"))
        self.changes(site, {"aws_route53_record.blue": "update"})

        # Another name is another record, in one change with the old one.
        body = body.replace('name = "n" .. i', 'name = (i == 3 and "m" or "n") .. i')
        since = len(self.proxy.calls)
        site.small(body.replace("weight = 90", "weight = 80"))
        self.changes(site, {"aws_route53_record.r3": "update"})
        self.assertEqual(self.proxy.counts(since)["route53:ChangeResourceRecordSets"], 1)

        # One that is refused does not take the others along.
        site.small(body.replace('"192.0.2." .. i', 'i == 7 and "no address" or "192.0.3." .. i').replace("weight = 90", "weight = 80"))
        site.apply("--parallelism", "64").expect(1, "aws_route53_record.r7", "39 done, 1 failed")
        site.small(body.replace("weight = 90", "weight = 80"))
        site.apply().expect(0)
        self.gone(site)

    def test_private_zone(self):
        """Who sees it may change; a name may be public and private at once."""
        def body(*seen: int) -> str:
            vpcs = "".join(f'local v{n} = aws.vpc "v{n}" {{ cidr_block = "10.{n}.0.0/16" }}\n' for n in (1, 2, 3))
            listed = ", ".join(f"{{ vpc_id = v{n}.id }}" for n in seen)
            return f"""{vpcs}aws.route53_zone "inside" {{ name = "example.org", vpc = {{ {listed} }} }}
local outside = aws.route53_zone "outside" {{ name = "example.org" }}
aws.route53_record "r" {{ zone_id = outside.id, name = "_a_b.example.org", type = "MX", ttl = 60, records = {{ "10 mx.example.org" }} }}
"""
        site, route53 = self.site().small(body(1)), self.moto.client("route53")

        def seen() -> set[str]:
            return {vpc["VPCId"] for vpc in route53.get_hosted_zone(Id=site.id_of("aws_route53_zone.inside"))["VPCs"]}

        site.apply().expect(0)
        site.converged()
        ids = {n: site.id_of(f"aws_vpc.v{n}") for n in (1, 2, 3)}
        self.assertEqual(seen(), {ids[1]})
        for wanted in ((1, 2, 3), (3, 2)):
            site.small(body(*wanted))
            self.changes(site, {"aws_route53_zone.inside": "update"})
            self.assertEqual(seen(), {ids[n] for n in wanted})
        self.adopted(site, {"aws_route53_zone.inside": site.id_of("aws_route53_zone.inside"), "aws_route53_record.r": site.id_of("aws_route53_record.r")})
        site.small(body(2, 3) + 'local found = aws.data.route53_zone "p" { name = "example.org", private_zone = true }\noutput "p" { value = found.zone_id }')
        site.apply().expect(0)
        self.assertEqual(site.run("output", "p").expect(0).out, site.id_of("aws_route53_zone.inside") + "\n")
        site.small(body(2, 3))
        self.gone(site)

    def test_many_zones(self):
        """More than a few are read from the account's list, their tags ten to a call."""
        site = self.site().small('for i = 1, 12 do aws.route53_zone("z" .. i) { name = "z" .. i .. ".example.org", tags = { N = "n" .. i } } end')
        site.apply().expect(0)
        counts = self.refresh(site, 4)
        self.assertEqual((counts["route53:ListHostedZones"], counts["route53:ListTagsForResources"]), (1, 2))
        self.gone(site)

    def test_dns_refusals(self):
        route53 = self.moto.client("route53")
        site = self.site().small('aws.route53_zone "z" { name = "example.org" }')
        site.apply().expect(0)
        zone = site.id_of("aws_route53_zone.z")
        theirs = {"Name": "www.example.org.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.9"}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": theirs}]})
        body = 'local z = aws.route53_zone "z" { name = "example.org" }\naws.route53_record "www" { zone_id = z.id, name = "www", type = "A", ttl = 60, records = { "192.0.2.1" }'
        site.small(body + " }").apply().expect(1, "already, which this state does not know", f"slipway import 'aws_route53_record.www' '{zone}_www.example.org_A'")
        self.assertEqual(route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"][-1]["ResourceRecords"], [{"Value": "192.0.2.9"}])
        site.small(body + ", allow_overwrite = true }").apply().expect(0)
        site.converged()
        # A zone with others' records in it says so.
        site.small('aws.route53_zone "z" { name = "example.org" }').apply().expect(0)
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": theirs}]})
        self.proxy.rules.fail("DeleteHostedZone", "HostedZoneNotEmpty", "The specified hosted zone contains non-required resource record sets")
        site.destroy().expect(1, "it still has 1 records: www.example.org A", "force_destroy")
        site.small('aws.route53_zone "z" { name = "example.org", force_destroy = true }').apply().expect(0)
        self.gone(site)
        for wrong, words in (('name = "a", type = "A", ttl = 60', "either records or alias"), ('name = "a", type = "A", records = { "1" }', "needs ttl"),
                             ('name = "a", type = "Q", ttl = 1, records = { "1" }', "type"),
                             ('name = "a", type = "A", ttl = 1, records = { "1" }, weighted_routing_policy = { weight = 1 }', "needs set_identifier")):
            self.site().small(f'aws.route53_record "r" {{ zone_id = "Z1", {wrong} }}').run("validate").expect(1, words)

    def test_certificate_and_dns_lost_answers(self):
        for action in ("RequestCertificate", "CreateHostedZone", "ChangeResourceRecordSets"):
            with self.subTest(action):
                self.moto.reset()
                self.proxy.reset()
                self.proxy.rules.drop(action)
                site = self.site().small(self.dns())
                site.apply()
                site.apply().expect(0)
                site.converged()
                counted = {kind: len(things) for kind, things in self.moto.inventory().items()}
                self.assertEqual((counted["certificate"], counted["zone"], counted["record"]), (1, 1, 4))
                self.gone(site)

    def test_certificate_that_fails(self):
        site = self.site().small('local c = aws.acm_certificate "c" { domain_name = "example.org" }\naws.acm_certificate_validation "v" { certificate_arn = c.arn }')

        def failed(call):
            option = {"DomainName": "example.org", "ValidationMethod": "DNS", "ValidationStatus": "FAILED",
                      "ResourceRecord": {"Name": "_x.example.org.", "Type": "CNAME", "Value": "_y.acm-validations.aws."}}
            return Answer(200, json.dumps({"Certificate": {
                "CertificateArn": json.loads(call.body)["CertificateArn"], "DomainName": "example.org", "Status": "FAILED", "FailureReason": "CAA_ERROR",
                "SubjectAlternativeNames": ["example.org"], "DomainValidationOptions": [option]}}).encode())
        self.proxy.rules.add("DescribeCertificate", failed, times=0)
        site.apply().expect(1, "the certificate is FAILED: CAA_ERROR", "CAA records")


if __name__ == "__main__":
    unittest.main()
