"""Kustomizations, compared with what `kubectl kustomize` makes of the same directories. kustomize/NAME.json is what kustomize 5.5 gave (UPDATE_KUSTOMIZE=1 writes
them anew with the machine's kubectl)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from kube_case import KubeCase, unittest

HERE = Path(__file__).resolve().parent / "kustomize"
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      initContainers: [{name: init, image: "busybox:1"}]
      containers:
        - {name: web, image: "example.org:5000/team/web:1.0", env: [{name: A, value: "1"}, {name: B, value: "2"}], envFrom: [{configMapRef: {name: settings}}],
           ports: [{containerPort: 80, protocol: TCP}], volumeMounts: [{name: v, mountPath: /v}]}
        - {name: side, image: side, args: [a, b]}
      volumes: [{name: v, configMap: {name: files}}, {name: s, secret: {secretName: password}}]
"""
REST = """apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, protocol: TCP, targetPort: 8080}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [configmaps], resourceNames: [settings], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: web, namespace: base}, {kind: ServiceAccount, name: default, namespace: base}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {tls: [{secretName: password}], rules: [{host: a.example.org, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: other}}}]}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: tidy}
spec: {schedule: "0 0 * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: tidy, image: "example.org:5000/team/web:1.0"}]}}}}}
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
"""
SETTINGS = """apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: files}
data: {f: x}
---
apiVersion: v1
kind: Secret
metadata: {name: password}
data: {p: cA==}
"""
BASE = {"kustomization.yaml": "resources: [deployment.yaml, rest.yaml]\n", "deployment.yaml": DEPLOYMENT, "rest.yaml": REST}
FULL = {**BASE, "kustomization.yaml": "resources: [deployment.yaml, rest.yaml, settings.yaml]\n", "settings.yaml": SETTINGS}
GENERATED = BASE["kustomization.yaml"] + """configMapGenerator:
  - {name: settings, literals: [a=1, "b='x y'", 'c=<&>'], envs: [more.env]}
  - {name: files, files: [f.txt, other=f.txt], options: {labels: {l: x}}}
secretGenerator:
  - {name: password, literals: [p=hunter2], type: Opaque}
"""


def over(text: str, base: dict | None = None, **more: str) -> dict[str, str]:
    return {**{"base/" + name: content for name, content in (base or FULL).items()}, "kustomization.yaml": text if "resources:" in text else "resources: [base]\n" + text, **more}


CASES: dict[str, dict[str, str]] = {
    "resources": FULL,
    "names": over("namePrefix: dev-\nnameSuffix: -x\n"),
    "namespace": over("namespace: prod\n"),
    "namespace_object": {**FULL, "kustomization.yaml": "resources: [ns.yaml, settings.yaml]\nnamespace: prod\n", "ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: old}\n"},
    "common": over("commonLabels: {team: a}\ncommonAnnotations: {note: b}\n"),
    "labels": over("labels:\n  - {pairs: {one: '1'}}\n  - {pairs: {two: '2'}, includeTemplates: true}\n  - {pairs: {three: '3'}, includeSelectors: true}\n"),
    "images": over("images:\n  - {name: 'example.org:5000/team/web', newTag: '2.0'}\n  - {name: side, newName: other/side, digest: 'sha256:abc'}\n  - {name: busybox, newName: box}\n"),
    "replicas": over("replicas: [{name: web, count: 4}]\n"),
    "generated": {**BASE, "kustomization.yaml": GENERATED, "more.env": "# none\nM=1\nN=a=b\n", "f.txt": "line\nline <two>\n"},
    "generated_over": over("""namePrefix: dev-
configMapGenerator:
  - {name: settings, behavior: merge, literals: [a=9, z=1]}
  - {name: files, behavior: replace, literals: [only=this]}
""", {**BASE, "kustomization.yaml": GENERATED, "more.env": "M=1\n", "f.txt": "f"}),
    "no_hash": {**BASE, "kustomization.yaml": GENERATED + "generatorOptions: {disableNameSuffixHash: true, labels: {g: yes-it-is}}\n", "more.env": "M=1\n", "f.txt": "f"},
    "strategic": over("""patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web, labels: {more: "1"}}
      spec:
        replicas: null
        template:
          spec:
            containers:
              - {name: side, image: "side:2", args: [c]}
              - {name: third, image: third}
              - name: web
                env: [{name: B, value: "3"}, {name: C, value: "4"}]
                volumeMounts: [{mountPath: /v, $patch: delete}, {mountPath: /w, name: v}]
"""),
    "strategic_old": over("patchesStrategicMerge: [p.yaml]\n", **{"p.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort, ports: [{port: 80, protocol: TCP, nodePort: 30080}]}\n---\n"
                          "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: tidy}\n$patch: delete\n"}),
    "json6902": over("""patches:
  - target: {kind: Deployment, name: web}
    patch: |-
      - {op: replace, path: /spec/replicas, value: 5}
      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: Z, value: z}}
      - {op: add, path: /metadata/annotations, value: {"a.b/c": "1"}}
      - {op: add, path: /metadata/annotations/a.b~1d, value: "2"}
      - {op: remove, path: /spec/template/spec/containers/1}
"""),
    "json6902_old": over("patchesJson6902:\n  - target: {version: v1, kind: Service, name: web}\n    path: p.yaml\n", **{"p.yaml": "- {op: test, path: /spec/ports/0/port, value: 80}\n"
                         "- {op: copy, from: /spec/ports/0/port, path: /spec/ports/0/nodePort}\n- {op: move, from: /spec/ports/0/targetPort, path: /spec/healthCheckNodePort}\n"}),
    "targets": over("""patches:
  - target: {labelSelector: app=web}
    patch: '[{"op": "add", "path": "/metadata/labels/found", "value": "yes"}]'
  - target: {kind: "Role|RoleBinding", name: "read.*"}
    patch: |
      metadata: {name: any, annotations: {seen: "yes"}}
      kind: Role
      apiVersion: rbac.authorization.k8s.io/v1
"""),
    "component": over("resources: [base]\ncomponents: [c]\nnamePrefix: x-\n", **{"c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [more.yaml]\n"
                      "patches:\n  - {patch: '[{\"op\": \"replace\", \"path\": \"/spec/replicas\", \"value\": 7}]', target: {kind: Deployment}}\n", "c/more.yaml": SETTINGS.replace("settings", "more").replace("files", "m2").replace("password", "m3")}),
    "everything": over("""namespace: prod
namePrefix: p-
commonLabels: {env: prod}
images: [{name: side, newTag: "9"}]
replicas: [{name: web, count: 3}]
configMapGenerator: [{name: settings, behavior: merge, literals: [e=prod]}]
patches: [{patch: "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {paused: true}}"}]
""", {**BASE, "kustomization.yaml": GENERATED + "namePrefix: b-\n", "more.env": "M=1\n", "f.txt": "f"}),
}
REFUSED = {
    "vars: []\n": "vars", "resources: [nowhere.yaml]\n": "nowhere.yaml", "helmCharts: []\n": "helmCharts", "images: [{name: a, newtag: b}]\n": "newtag",
    "replicas: [{name: nobody, count: 1}]\n": "nobody", "patches: [{patch: '[{op: swap, path: /a}]', target: {kind: Service}}]\n": "swap",
    "patches: [{patch: '{kind: Service, apiVersion: v1, metadata: {name: absent}}'}]\n": "absent", "resources: [../k]\n": "deep",
    "resources: ['https://example.org/team/repo//base?ref=v1']\n": "files only", "configMapGenerator: [{name: settings, literals: [x=1]}]\n": "settings",
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def normal(thing: dict) -> dict:
    """As slipway has it: every object in a namespace, no data of secrets."""
    thing = json.loads(json.dumps(thing))
    if thing["kind"] == "Secret":
        thing.pop("data", None)
    if thing["kind"] != "Namespace":
        thing["metadata"].setdefault("namespace", "default")
    return thing


class Kustomize(KubeCase):
    def built(self, files: dict[str, str]) -> list[dict]:
        site = self.site('kube.kustomize "k" { source = "k" }')
        write(site.directory / "k", files)
        site.run("plan", "--out", "p").expect(0)
        document = json.loads(site.run("show", "--json", "p").expect(0).out)
        return [change["change"]["after"]["manifest"] for change in document["resource_changes"]]

    def expected(self, name: str, files: dict[str, str]) -> list[dict]:
        path = HERE / f"{name}.json"
        if os.environ.get("UPDATE_KUSTOMIZE"):
            site = self.site()
            write(site.directory / "k", files)
            done = subprocess.run(["kubectl", "kustomize", str(site.directory / "k")], capture_output=True, text=True, check=True)
            import yaml
            HERE.mkdir(exist_ok=True)
            path.write_text(json.dumps(list(yaml.safe_load_all(done.stdout)), indent=1, sort_keys=True) + "\n")
        return [normal(thing) for thing in json.loads(path.read_text())]

    def test_as_kustomize_does(self):
        for name, files in CASES.items():
            with self.subTest(name):
                wanted, found = self.expected(name, files), self.built(files)
                def key(thing):
                    return thing["kind"], thing["metadata"]["name"]
                self.assertEqual(sorted(map(key, found)), sorted(map(key, wanted)))
                for one, two in zip(sorted(found, key=key), sorted(wanted, key=key)):
                    self.assertEqual(one, two)

    def test_what_is_not_known_is_refused(self):
        for text, word in REFUSED.items():
            with self.subTest(text):
                site = self.site('kube.kustomize "k" { source = "k" }')
                write(site.directory / "k", over(text if "resources" in text else text))
                site.run("plan").expect(1, "kustomization.yaml", word)

    def test_an_empty_directory(self):
        site = self.site('kube.kustomize "k" { source = "k" }')
        (site.directory / "k").mkdir()
        site.run("plan").expect(1, "kustomization.yaml wanted")


if __name__ == "__main__":
    unittest.main()
