"""IAM: roles, policies, attachments and instance profiles; documents compared by what they mean; reads that grow by pages."""

import json

from aws_types import OTHER, READER, TRUST, TypesCase, unittest


def document(text) -> dict:
    return text if isinstance(text, dict) else json.loads(text)


class Iam(TypesCase):
    IAM = """
local role = aws.iam_role "node" {{ name = "eco-node", assume_role_policy = {trust}, description = "{description}", max_session_duration = {session}, tags = {{ Owner = "{owner}" }} }}
local reader = aws.iam_policy "reader" {{ name = "eco-reader", policy = {policy} }}
aws.iam_role_policy "inline" {{ name = "inline", role = role.name, policy = {{ Statement = {{ {{ Effect = "Allow", Action = "sts:GetCallerIdentity", Resource = role.arn }} }} }} }}
aws.iam_role_policy_attachment "reader" {{ role = role.name, policy_arn = reader.arn }}
aws.iam_instance_profile "node" {{ name = "eco-profile", role = role.name }}
"""

    def iam(self, **more: str) -> str:
        values = {"trust": TRUST, "description": "nodes", "session": 3600, "owner": "a", "policy": READER} | more
        return self.IAM.format(**values)

    def test_iam(self):
        self.proxy.world.invisible = {"role": 2, "instance_profile": 2}
        site, iam = self.site().small(self.iam()), self.moto.client("iam")
        site.apply().expect(0)
        self.assertEqual(set(self.moto.inventory()), {"role", "role_policy", "role_policy_attachment", "policy", "instance_profile"})
        self.refresh(site, 8)

        # In place.
        site.small(self.iam(description="machines", session=7200, owner="b", policy=READER.replace("ec2:DescribeTags", "ec2:DescribeVpcs"),
                            trust=TRUST.replace('"ec2.amazonaws.com"', '{ "ssm.amazonaws.com", "ec2.amazonaws.com" }')))
        self.changes(site, {"aws_iam_role.node": "update", "aws_iam_policy.reader": "update"})
        role = iam.get_role(RoleName="eco-node")["Role"]
        self.assertEqual((role["Description"], role["MaxSessionDuration"]), ("machines", 7200))
        self.assertEqual(sorted(document(role["AssumeRolePolicyDocument"])["Statement"][0]["Principal"]["Service"]),
                         ["ec2.amazonaws.com", "ssm.amazonaws.com"])
        tags = {tag["Key"]: tag["Value"] for tag in role["Tags"]}
        self.assertEqual(tags["Owner"], "b")
        self.assertRegex(tags["slipway:token"], "^[0-9a-f]{32}$")

        # The same in another form is no change: JSON, one text as a list, another order.
        site.small(self.iam(description="machines", session=7200, owner="b", trust=TRUST.replace('"ec2.amazonaws.com"', '{ "ec2.amazonaws.com", "ssm.amazonaws.com" }'),
                            policy="""'{"Version":"2012-10-17","Statement":{"Resource":["*"],"Effect":"Allow","Action":["ec2:DescribeVpcs","ec2:DescribeInstances"]}}'"""))
        site.converged()

        # By hand.
        iam.update_assume_role_policy(RoleName="eco-node", PolicyDocument=json.dumps(document(role["AssumeRolePolicyDocument"]) | {
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}))
        iam.put_role_policy(RoleName="eco-node", PolicyName="inline", PolicyDocument=OTHER)
        iam.detach_role_policy(RoleName="eco-node", PolicyArn="arn:aws:iam::123456789012:policy/eco-reader")
        iam.remove_role_from_instance_profile(RoleName="eco-node", InstanceProfileName="eco-profile")
        iam.tag_role(RoleName="eco-node", Tags=[{"Key": "Stray", "Value": "x"}])
        site.run("drift").expect(2, "aws_iam_role.node", "aws_iam_role_policy.inline", "aws_iam_role_policy_attachment.reader", "aws_iam_instance_profile.node")
        self.changes(site, {"aws_iam_role.node": "update", "aws_iam_role_policy.inline": "update", "aws_iam_role_policy_attachment.reader": "create",
                            "aws_iam_instance_profile.node": "update"})
        self.assertNotIn("Stray", {tag["Key"] for tag in iam.get_role(RoleName="eco-node")["Role"]["Tags"]})
        self.assertEqual(iam.get_instance_profile(InstanceProfileName="eco-profile")["InstanceProfile"]["Roles"][0]["RoleName"], "eco-node")

        self.adopted(site, {
            "aws_iam_role.node": "eco-node", "aws_iam_policy.reader": "arn:aws:iam::123456789012:policy/eco-reader",
            "aws_iam_role_policy.inline": "eco-node:inline", "aws_iam_instance_profile.node": "eco-profile",
            "aws_iam_role_policy_attachment.reader": "eco-node/arn:aws:iam::123456789012:policy/eco-reader"})

        # A new name is a new role, and what hangs on it follows.
        site.play('local aws = require "aws"\n' + self.iam(description="machines").replace("eco-node", "eco-other").replace("eco-reader", "eco-writer"))
        changes = site.plan()
        self.assertEqual(len(changes["aws_iam_role.node"]), 2)
        self.assertEqual(len(changes["aws_iam_policy.reader"]), 2)
        site.apply().expect(0)
        site.converged()
        self.assertEqual(set(self.moto.inventory()["role"]), {"eco-other"})
        self.gone(site)

    def test_iam_grows_by_pages(self):
        body = """
for i = 1, 30 do
  local role = aws.iam_role("r" .. i) {{ assume_role_policy = {trust}, tags = {{ Number = tostring(i) }} }}
  local policy = aws.iam_policy("p" .. i) {{ policy = {policy} }}
  aws.iam_role_policy("i" .. i) {{ role = role.name, policy = {policy} }}
  aws.iam_role_policy_attachment("a" .. i) {{ role = role.name, policy_arn = policy.arn }}
  aws.iam_instance_profile("f" .. i) {{ role = role.name }}
end
""".format(trust=TRUST, policy=READER)
        body = body.replace("tostring(i)", '"n" .. i')
        site = self.site().small(body)
        site.apply().expect(0, "150 done")
        found = self.refresh(site, 6)
        self.assertEqual(found["iam:GetAccountAuthorizationDetails"], 2, found)
        # Who may not read the whole account pays one by one.
        self.proxy.rules.unauthorized("iam:GetAccountAuthorizationDetails")
        found = self.refresh(site, 200)
        self.assertEqual((found["iam:GetRole"], found["iam:GetRolePolicy"], found["iam:ListAttachedRolePolicies"]), (30, 30, 30))
        self.proxy.rules.clear()
        self.moto.client("iam").put_role_policy(RoleName="r7", PolicyName="i7", PolicyDocument=OTHER)
        self.changes(site, {"aws_iam_role_policy.i7": "update"})
        self.gone(site)

    def test_iam_refusals(self):
        iam = self.moto.client("iam")
        trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]})
        iam.create_role(RoleName="eco-node", AssumeRolePolicyDocument=trust)
        site = self.site().small(self.iam())
        site.apply().expect(1, "already, which this state does not know", "slipway import 'aws_iam_role.node' 'eco-node'")
        iam.delete_role(RoleName="eco-node")
        site.apply().expect(0)

        # What others attached is theirs: a destroy says what holds on.
        iam.attach_role_policy(RoleName="eco-node", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        site.destroy().expect(1, "it still has the attached policy arn:aws:iam::aws:policy/ReadOnlyAccess", "force_detach_policies")
        site.apply().expect(0)
        site.small(self.iam().replace('name = "eco-node",', 'name = "eco-node", force_detach_policies = true,'))
        site.apply().expect(0)
        self.gone(site)

        # Nonsense is found before anything is asked.
        for wrong, words in (('policy = "{"', "expected a policy document"), ("policy = {}", "needs a Statement"),
                             ('policy = { Statement = { { Effect = "allow" } } }', '"Allow" or "Deny"')):
            since = len(self.proxy.calls)
            self.site().small(f'aws.iam_policy "p" {{ {wrong} }}').run("validate").expect(1, words)
            self.assertEqual(self.proxy.calls[since:], [])

    def test_iam_lost_answers(self):
        """An answer that is lost after the effect: the next run finds what was made by its token, and makes nothing twice."""
        for action in ("CreateRole", "CreatePolicy", "CreateInstanceProfile", "PutRolePolicy", "AttachRolePolicy", "AddRoleToInstanceProfile"):
            with self.subTest(action):
                self.moto.reset()
                self.proxy.reset()
                self.proxy.rules.drop(action)
                site = self.site().small(self.iam())
                site.apply()
                site.apply().expect(0)
                site.converged()
                self.assertEqual({kind: len(things) for kind, things in self.moto.inventory().items()},
                                 {"role": 1, "policy": 1, "role_policy": 1, "role_policy_attachment": 1, "instance_profile": 1})
                self.gone(site)

    def test_policy_versions(self):
        """IAM keeps five versions of a policy: the oldest makes room."""
        site = self.site()
        for number in range(8):
            site.small(f'aws.iam_policy "p" {{ policy = {READER.replace("ec2:DescribeTags", f"ec2:Describe{number}")} }}').apply().expect(0)
        versions = self.moto.client("iam").list_policy_versions(PolicyArn="arn:aws:iam::123456789012:policy/p")["Versions"]
        self.assertEqual(len(versions), 5)
        self.assertEqual([version["VersionId"] for version in versions if version["IsDefaultVersion"]], ["v8"])
        self.gone(site)

    def test_default_tags(self):
        """A default tag that comes, changes or is taken away by hand is brought in line, without showing in `tags`."""
        site = self.site()
        play = f'aws.iam_role "r" {{ assume_role_policy = {TRUST} }}\naws.s3_bucket "b" {{ bucket = "eco-tags" }}'
        site.small(play).apply().expect(0)
        site.small(play, provider=", default_tags: { team: platform }")
        self.changes(site, {"aws_iam_role.r": "update", "aws_s3_bucket.b": "update"})
        iam, s3 = self.moto.client("iam"), self.moto.client("s3")
        iam.untag_role(RoleName="r", TagKeys=["team"])
        self.changes(site, {"aws_iam_role.r": "update"})
        self.assertIn({"Key": "team", "Value": "platform"}, iam.list_role_tags(RoleName="r")["Tags"])
        self.assertIn({"Key": "team", "Value": "platform"}, s3.get_bucket_tagging(Bucket="eco-tags")["TagSet"])
        self.gone(site)


if __name__ == "__main__":
    unittest.main()
