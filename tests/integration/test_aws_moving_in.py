"""The stock set as a team would have it in Terraform: modules within modules, count and for_each, a provider that is newer than we are, secrets. Adopted in
one go, nothing is left to do."""

import json
import re

from aws_site import AwsCase, unittest

# To Terraform a block is a list.
BLOCKS = {"root_block_device", "metadata_options", "health_check", "credit_specification", "stickiness", "access_logs"}
SECRET = "hunter2-and-more"


def place(kind: str, name: str) -> tuple[str | None, str, str | int | None]:
    """Where a team has it: module, name and index."""
    numbered, zone = re.fullmatch(r"(.*)-(\d+)", name), re.fullmatch(r"(private|public)-([ac])", name)
    if kind == "aws_subnet" and zone:
        return "module.network", zone[1], zone[2]
    if kind in ("aws_instance", "aws_ebs_volume", "aws_volume_attachment") and numbered:
        return None, numbered[1], int(numbered[2])
    if kind == "aws_route" and name.startswith("pods-"):
        return 'module.cluster["prod"].module.pods[0]', "pods", name.removeprefix("pods-")
    if kind.startswith("aws_vpc_security_group"):
        return "module.security", name, None
    return (f"module.{name}", "this", None) if kind == "aws_lb" else (None, name, None)


def written(attributes: dict) -> dict:
    """Attributes as Terraform writes them: blocks are lists, what is not set is null, and there is what this slipway has never heard of."""
    known = {name: value for name, value in attributes.items() if value != "(sensitive)"}
    blocks = {name: [{**value, "of_later": None, "list_of_later": []}] for name, value in known.items() if name in BLOCKS and isinstance(value, dict)}
    return {**known, **blocks, "tags": known.get("tags") or None, "tags_all": known.get("tags") or {}, "timeouts": None, "description_of_later": None,
            "attribute_of_later": {"x": [1, None]}}


def instance(attributes: dict, index: str | int | None = None, **more) -> dict:
    found = {"schema_version": 1, "attributes": attributes, "private": "eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ==", "dependencies": ["aws_vpc.main"],
             "create_before_destroy": True, "sensitive_attributes": [[{"type": "get_attr", "value": "user_data"}], [
                 {"type": "get_attr", "value": "of_later"}, {"type": "index", "value": {"value": 0, "type": "number"}}]], **more}
    return found if index is None else {"index_key": index, **found}


def resource(kind: str, name: str, instances: list[dict], module: str | None = None, mode: str = "managed") -> dict:
    provider = 'provider["registry.terraform.io/hashicorp/aws"]'
    found = {"mode": mode, "type": kind, "name": name, "provider": provider + (".seoul" if module else ""), "instances": instances}
    return {"module": module, **found} if module else found


class MovingIn(AwsCase):
    def state(self, site) -> tuple[str, list[str]]:
        """Terraform's state of what the site made, and its addresses."""
        groups, addresses = {}, []
        for address, kind, name in site.sql("select address, type, name from resource where type like 'aws!_%' escape '!'"):
            module, own, index = place(kind, name)
            groups.setdefault((kind, own, module), []).append(instance(written(site.recorded(address)["attributes"]), index))
            addresses.append(address)
        resources = [resource(kind, own, instances, module) for (kind, own, module), instances in groups.items()]
        resources[0]["instances"].append(instance({"id": "old"}, deposed="00000001"))
        resources += [
            resource("aws_ami", "ubuntu", [instance({"id": "ami-1", "filter": [{"name": "a", "values": ["b"]}]})], "module.images", "data"),
            resource("random_password", "db", [instance({"id": "none", "result": SECRET})]),
            resource("null_resource", "none", []),
        ]
        return json.dumps({"version": 4, "terraform_version": "1.9.8", "serial": 412, "lineage": "3f0e", "resources": resources, "check_results": [],
                           "outputs": {"kubeconfig": {"value": SECRET, "type": "string", "sensitive": True}}}), addresses

    def test_modules_count_and_for_each(self):
        self.zone()
        site = self.site().stock()
        site.apply().expect(0)
        text, addresses = self.state(site)
        (site.directory / "terraform.tfstate").write_text(text)
        site.run("state", "rm", "--yes", *addresses).expect(0)
        before, since = self.moto.inventory(), len(self.proxy.calls)
        site.run("import", "--from-terraform-state", "terraform.tfstate", "--yes").expect(
            0, f"{len(addresses)} adopted", "data sources, which are not adopted: 1", "deposed objects, which are left alone: 1", "random_password.db",
            without=(SECRET,))
        self.assertLessEqual(len(self.proxy.calls) - since, 70, self.calls(since))
        self.assertEqual(self.proxy.mutations(since), [])
        self.assertEqual(sorted(row[0] for row in site.sql("select address from resource where type like 'aws!_%' escape '!'")), sorted(addresses))
        self.assertNotIn(SECRET.encode(), (site.state / "state.db").read_bytes())
        site.converged()
        self.assertEqual(self.moto.inventory(), before)


if __name__ == "__main__":
    unittest.main()
