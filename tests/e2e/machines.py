"""The SSH side of moto's instances: for each a lab node that boots with the instance's address, host key and key pair, and the network around it.

moto knows instances as entries in a table. This looks at what was done in AWS and does it to containers: an instance is a systemd-nspawn node, an
elastic address a port that leads to it, a route to an interface a route of the bridge's machine, a network load balancer a proxy with a name.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import selectors
import socket
import socketserver
import subprocess
import threading
from pathlib import Path

from aws_wire import Answer, Call
from lab import enter

NODE_SH = Path(__file__).resolve().parents[2] / "lua/lab/node.sh"
USER = "ubuntu"  # whom the image's cloud-init makes


def relay(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until either end is closed."""
    with selectors.DefaultSelector() as ready, one, other:
        ready.register(one, selectors.EVENT_READ, other)
        ready.register(other, selectors.EVENT_READ, one)
        while ready.get_map():
            for key, _ in ready.select():
                try:
                    data = key.fileobj.recv(65536)
                    if data:
                        key.data.sendall(data)
                        continue
                    key.data.shutdown(socket.SHUT_WR)
                except OSError:
                    return
                ready.unregister(key.fileobj)


class Port(socketserver.ThreadingTCPServer):
    """A port that leads to one of several targets, or refuses while there is none."""

    allow_reuse_address, daemon_threads, request_queue_size = True, True, 128

    def __init__(self, address: tuple[str, int], targets) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                for target in targets():
                    try:
                        relay(self.request, socket.create_connection(target, 5))
                        return
                    except OSError:
                        continue

        super().__init__(address, Handler)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class Machines:
    """Observes a proxy. Root; one bridge with the VPC's whole network on it."""

    def __init__(self, moto, directory: Path, cidr: str, bridge: str) -> None:
        self.moto, self.directory, self.bridge = moto, directory, bridge
        network = ipaddress.ip_network(cidr)
        self.gateway, self.prefix = str(network[1]), network.prefixlen
        self.nodes: dict[str, str] = {}  # instance -> address
        self.names: dict[str, Port] = {}  # what stands for a load balancer, by its DNS name
        self.ports: dict[str, Port] = {}  # an elastic address's, by its association
        self.routes: set[str] = set()
        self.lock = threading.Lock()
        self.failed: list[str] = []

    def __call__(self, call: Call, answer: Answer) -> None:
        if not answer.ok:
            return
        try:
            if action := getattr(self, f"_{call.action}", None):
                action(call, answer)
        except (subprocess.CalledProcessError, OSError, KeyError, ValueError) as why:
            self.failed.append(f"{call.name}: {why} {getattr(why, 'stderr', '')}")

    # -- nodes --------------------------------------------------------------------------------------------------------------

    def node(self, command: str, *arguments: str, keys: str = "") -> str:
        done = subprocess.run(["sh", "-s", "--", command, str(self.directory), *arguments], input=NODE_SH.read_text(), text=True, capture_output=True,
                              check=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SLIPWAY_LAB_KEYS": keys}, timeout=180)
        return done.stdout

    def inside(self, instance: str, script: str) -> None:
        """Runs a script in a node, as its cloud-init would."""
        line = next(line for line in self.node("list").splitlines() if line.startswith(instance + "\t"))
        subprocess.run([*enter(line.split("\t")[3]), "sh", "-s"], input=script, text=True, capture_output=True, check=True, timeout=60)

    def _RunInstances(self, call: Call, answer: Answer) -> None:
        for item in answer.tree().findall("instancesSet/item"):
            instance, address = item.findtext("instanceId"), item.findtext("privateIpAddress")
            with self.lock:
                if instance in self.nodes:
                    continue
                self.nodes[instance] = address
            self.boot(instance, address, item.findtext("keyName"), base64.b64decode(call.params["UserData"]).decode())

    def boot(self, instance: str, address: str, key_pair: str, user_data: str) -> None:
        """A node with what cloud-init makes of its user data: host key, host name, a user with the key pair's key and sudo."""
        home = self.directory / instance
        home.mkdir(parents=True)
        private = json.loads(re.search(r"^  ed25519_private: (.*)$", user_data, re.M)[1])
        public = re.search(r"^  ed25519_public: (.*)$", user_data, re.M)[1]
        (home / "host_key").write_text(private)
        (home / "host_key").chmod(0o600)
        (home / "host_key.pub").write_text(public + "\n")
        # A node that has its settings keeps the keys that are there.
        (home / "settings").write_text(f"{address} {self.prefix} {self.bridge} {self.gateway}\n")
        self.node("up", instance, address, str(self.prefix), self.bridge, self.gateway)
        keys = self.moto.client("ec2").describe_key_pairs(KeyNames=[key_pair], IncludePublicKey=True)["KeyPairs"][0]["PublicKey"]
        host_name = re.search(r"^hostname: (.*)$", user_data, re.M)[1]
        self.inside(instance, f"""set -e
hostname '{host_name}'; echo '{host_name}' >/etc/hostname; echo '{address} {host_name}' >>/etc/hosts
id -u {USER} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash {USER}
install -d -m 0700 -o {USER} -g {USER} ~{USER}/.ssh
echo '{keys}' >~{USER}/.ssh/authorized_keys; chown {USER}: ~{USER}/.ssh/authorized_keys; chmod 0600 ~{USER}/.ssh/authorized_keys
echo '{USER} ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/{USER}; chmod 0440 /etc/sudoers.d/{USER}
{"".join(self.known(name) for name in list(self.names))}""")

    def known(self, name: str) -> str:
        """What makes a node know a load balancer's name."""
        return f"grep -qF ' {name}' /etc/hosts || echo '{self.gateway} {name}' >>/etc/hosts\n"

    def _TerminateInstances(self, call: Call, _: Answer) -> None:
        for instance in call.values("InstanceId"):
            with self.lock:
                known = self.nodes.pop(instance, None)
            if known:
                self.node("down", instance)

    # -- the network --------------------------------------------------------------------------------------------------------

    def _AssociateAddress(self, call: Call, answer: Answer) -> None:
        found = self.moto.client("ec2").describe_addresses(AllocationIds=[call.params["AllocationId"]])["Addresses"][0]
        address = self.nodes.get(found.get("InstanceId") or call.params.get("InstanceId", ""))
        association = answer.tree().findtext("associationId")
        if address and association not in self.ports:
            self.ports[association] = Port((found["PublicIp"], 22), lambda: [(address, 22)])

    def _DisassociateAddress(self, call: Call, _: Answer) -> None:
        if port := self.ports.pop(call.params.get("AssociationId", ""), None):
            port.stop()

    def _CreateRoute(self, call: Call, _: Answer) -> None:
        interface = call.params.get("NetworkInterfaceId")
        if not interface:
            return
        found = self.moto.client("ec2").describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]
        self.routes.add(call.params["DestinationCidrBlock"])
        subprocess.run(["ip", "route", "replace", call.params["DestinationCidrBlock"], "via", found["PrivateIpAddress"], "dev", self.bridge],
                       check=True, capture_output=True, text=True)

    _ReplaceRoute = _CreateRoute

    def _DeleteRoute(self, call: Call, _: Answer) -> None:
        cidr = call.params.get("DestinationCidrBlock", "")
        if cidr in self.routes:
            self.routes.remove(cidr)
            subprocess.run(["ip", "route", "del", cidr, "dev", self.bridge], check=False, capture_output=True)

    def _CreateListener(self, call: Call, answer: Answer) -> None:
        """A network load balancer's name is known in every node, and leads to the registered targets."""
        elb = self.moto.client("elbv2")
        balancer = elb.describe_load_balancers(LoadBalancerArns=[call.params["LoadBalancerArn"]])["LoadBalancers"][0]
        name, port = balancer["DNSName"], int(call.params["Port"])
        group = call.params.get("DefaultActions.member.1.TargetGroupArn")
        with self.lock:
            if balancer["Type"] != "network" or name in self.names:
                return

            def targets() -> list[tuple[str, int]]:
                found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
                return [(one["Target"]["Id"], one["Target"]["Port"]) for one in found]

            self.bridge_up()
            self.names[name] = Port((self.gateway, port), targets)
        for instance in list(self.nodes):
            self.inside(instance, self.known(name))

    def bridge_up(self) -> None:
        """The gateway's address, before the first node brings it up."""
        script = NODE_SH.read_text()
        source = script[:script.rindex('main "$@"')] + f'mkdir -p {self.directory}; ensure_bridge {self.directory} {self.bridge} {self.gateway} {self.prefix}\n'
        subprocess.run(["sh", "-s"], input=source, text=True, check=True, capture_output=True)

    def _DeleteLoadBalancer(self, call: Call, _: Answer) -> None:
        name = call.params["LoadBalancerArn"].split("/")[-2]
        with self.lock:
            for dns in [dns for dns in self.names if dns.startswith(name + "-")]:
                self.names.pop(dns).stop()

    # -- the end ------------------------------------------------------------------------------------------------------------

    def left(self) -> list[str]:
        """What a destroy should have taken away."""
        return [*self.node("list").splitlines(), *self.ports, *self.names, *self.routes]

    def clean(self) -> None:
        for port in [*self.ports.values(), *self.names.values()]:
            port.stop()
        for cidr in self.routes:
            subprocess.run(["ip", "route", "del", cidr, "dev", self.bridge], check=False, capture_output=True)
        self.node("clean")
