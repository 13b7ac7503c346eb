"""What the API double (kube_double.py) knows of kinds: their schemas, defaults, and what it refuses. Schemas are OpenAPI as in a CustomResourceDefinition."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field

S, I, B, ANY = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"x-kubernetes-preserve-unknown-fields": True}
INT_OR_STRING = {"x-kubernetes-int-or-string": True}
BYTES = {"type": "string", "format": "byte"}


def obj(**properties) -> dict:
    return {"type": "object", "properties": {name.rstrip("_"): node for name, node in properties.items()}}


def mapping(node: dict) -> dict:
    return {"type": "object", "additionalProperties": node}


def listing(node: dict, *keys: str, kind: str | None = None) -> dict:
    """A list merged by keys, a set, or else one that is replaced whole."""
    return {"type": "array", "items": node, "x-kubernetes-list-type": "map" if keys else kind or "atomic", "x-kubernetes-list-map-keys": list(keys)}


TEXTS = mapping(S)
ATOMIC_TEXTS = {**TEXTS, "x-kubernetes-map-type": "atomic"}
OWNER = obj(apiVersion=S, kind=S, name=S, uid=S, controller=B, blockOwnerDeletion=B)
METADATA = obj(name=S, generateName=S, namespace=S, labels=TEXTS, annotations=TEXTS, finalizers=listing(S, kind="set"), ownerReferences=listing(OWNER, "uid"),
               uid=S, resourceVersion=S, generation=I, creationTimestamp=S, deletionTimestamp=S, deletionGracePeriodSeconds=I, selfLink=S, managedFields=ANY)
SELECTOR = {**obj(matchLabels=TEXTS, matchExpressions=listing(obj(key=S, operator=S, values=listing(S)))), "x-kubernetes-map-type": "atomic"}
KEY_REF = obj(name=S, key=S, optional=B)
ENV = listing(obj(name=S, value=S, valueFrom=obj(fieldRef=obj(apiVersion=S, fieldPath=S), secretKeyRef=KEY_REF, configMapKeyRef=KEY_REF, resourceFieldRef=ANY)), "name")
PROBE = obj(httpGet=ANY, tcpSocket=ANY, exec=ANY, grpc=ANY, initialDelaySeconds=I, timeoutSeconds=I, periodSeconds=I, successThreshold=I, failureThreshold=I)
RESOURCES = obj(limits=mapping(INT_OR_STRING), requests=mapping(INT_OR_STRING))
CONTAINER = obj(name=S, image=S, command=listing(S), args=listing(S), workingDir=S, env=ENV, envFrom=listing(ANY), imagePullPolicy=S, resources=RESOURCES,
                ports=listing(obj(name=S, containerPort=I, hostPort=I, hostIP=S, protocol={**S, "default": "TCP"}), "containerPort", "protocol"),
                volumeMounts=listing(obj(name=S, mountPath=S, mountPropagation=S, subPath=S, readOnly=B), "mountPath"), livenessProbe=PROBE, readinessProbe=PROBE, startupProbe=PROBE,
                lifecycle=ANY, securityContext=ANY, terminationMessagePath=S, terminationMessagePolicy=S, stdin=B, tty=B)
CONTAINER["required"] = ["name", "image"]
POD_SPEC = obj(containers=listing(CONTAINER, "name"), initContainers=listing(CONTAINER, "name"), volumes=listing({**ANY, "type": "object"}, "name"), serviceAccountName=S, serviceAccount=S,
               nodeSelector=ATOMIC_TEXTS, tolerations=listing(ANY), affinity=ANY, securityContext=ANY, restartPolicy=S, terminationGracePeriodSeconds=I, dnsPolicy=S,
               hostNetwork=B, hostPID=B, priorityClassName=S, schedulerName=S, imagePullSecrets=listing(obj(name=S), "name"), automountServiceAccountToken=B,
               topologySpreadConstraints=listing(ANY), nodeName=S, enableServiceLinks=B, hostname=S, subdomain=S, runtimeClassName=S)
TEMPLATE = obj(metadata=METADATA, spec=POD_SPEC)
CONDITIONS = listing(obj(type=S, status=S, reason=S, message=S, lastTransitionTime=S, lastUpdateTime=S, observedGeneration=I), "type")
WORKLOAD_STATUS = obj(observedGeneration=I, replicas=I, updatedReplicas=I, readyReplicas=I, availableReplicas=I, unavailableReplicas=I, conditions=CONDITIONS, currentRevision=S,
                      updateRevision=S, currentReplicas=I, desiredNumberScheduled=I, currentNumberScheduled=I, updatedNumberScheduled=I, numberAvailable=I, numberReady=I, numberMisscheduled=I)
RULES = listing(obj(apiGroups=listing(S), resources=listing(S), verbs=listing(S), resourceNames=listing(S), nonResourceURLs=listing(S)))
SUBJECTS = listing(obj(kind=S, name=S, namespace=S, apiGroup=S))
ROLE_REF = obj(apiGroup=S, kind=S, name=S)
WEBHOOK = obj(name=S, admissionReviewVersions=listing(S), sideEffects=S, failurePolicy=S, matchPolicy=S, timeoutSeconds=I, namespaceSelector=SELECTOR, objectSelector=SELECTOR,
              clientConfig=obj(caBundle=BYTES, url=S, service=obj(namespace=S, name=S, path=S, port=I)), reinvocationPolicy=S,
              rules=listing(obj(apiGroups=listing(S), apiVersions=listing(S), operations=listing(S), resources=listing(S), scope=S)))


@dataclass
class Kind:
    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    schema: dict
    status: bool = False  # a subresource of its own
    verbs: list[str] = field(default_factory=lambda: ["create", "delete", "get", "list", "patch", "update", "watch"])

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> tuple[str, str]:
        return self.group, self.plural

    @property
    def qualified(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


def kind(api_version: str, name: str, plural: str, namespaced: bool, has_status: bool = False, /, **properties) -> Kind:
    group, _, version = api_version.rpartition("/")
    return Kind(group, version, name, plural, namespaced, obj(apiVersion=S, kind=S, metadata=METADATA, **properties), has_status)


def workload(name: str, plural: str, **spec) -> Kind:
    return kind("apps/v1", name, plural, True, True, status=WORKLOAD_STATUS, spec=obj(selector=SELECTOR, template=TEMPLATE, replicas=I, revisionHistoryLimit=I, minReadySeconds=I, **spec))


def built_in() -> list[Kind]:
    rbac, admission = "rbac.authorization.k8s.io/v1", "admissionregistration.k8s.io/v1"
    service = obj(type=S, selector=ATOMIC_TEXTS, clusterIP=S, clusterIPs=listing(S), sessionAffinity=S, externalTrafficPolicy=S, healthCheckNodePort=I, loadBalancerIP=S, externalName=S, internalTrafficPolicy=S,
                  ports=listing(obj(name=S, port=I, targetPort=INT_OR_STRING, nodePort=I, protocol={**S, "default": "TCP"}, appProtocol=S), "port", "protocol"), publishNotReadyAddresses=B)
    ingress = obj(ingressClassName=S, rules=listing(ANY), tls=listing(ANY), defaultBackend=ANY)
    policy = obj(podSelector=SELECTOR, policyTypes=listing(S), ingress=listing(ANY), egress=listing(ANY))
    claim = obj(accessModes=listing(S), resources=RESOURCES, storageClassName=S, volumeMode=S, volumeName=S, selector=SELECTOR)
    job = obj(template=TEMPLATE, backoffLimit=I, completions=I, parallelism=I, activeDeadlineSeconds=I, ttlSecondsAfterFinished=I, selector=SELECTOR, manualSelector=B)
    names = obj(plural=S, singular=S, kind=S, listKind=S, shortNames=listing(S), categories=listing(S))
    versions = listing(obj(name=S, served=B, storage=B, schema=ANY, subresources=ANY, additionalPrinterColumns=listing(ANY), deprecated=B, deprecationWarning=S), "name")
    definition = obj(group=S, scope=S, names=names, versions=versions, conversion=ANY, preserveUnknownFields=B)
    api_service = obj(group=S, version=S, groupPriorityMinimum=I, versionPriority=I, insecureSkipTLSVerify=B, caBundle=BYTES, service=obj(namespace=S, name=S, port=I))
    return [
        kind("v1", "Namespace", "namespaces", False, True, spec=obj(finalizers=listing(S)), status=obj(phase=S, conditions=CONDITIONS)),
        kind("v1", "ConfigMap", "configmaps", True, data=TEXTS, binaryData=mapping(BYTES), immutable=B),
        kind("v1", "Secret", "secrets", True, data=mapping(BYTES), stringData=TEXTS, type=S, immutable=B),
        kind("v1", "ServiceAccount", "serviceaccounts", True, secrets=listing(ANY), imagePullSecrets=listing(ANY), automountServiceAccountToken=B),
        kind("v1", "Service", "services", True, True, spec=service, status=obj(loadBalancer=ANY, conditions=CONDITIONS)),
        kind("v1", "Pod", "pods", True, True, spec=POD_SPEC, status=ANY),
        kind("v1", "Event", "events", True, involvedObject=ANY, reason=S, message=S, type=S, count=I, firstTimestamp=S, lastTimestamp=S, source=ANY),
        kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims", True, True, spec=claim, status=ANY),
        kind("v1", "Node", "nodes", False, True, spec=ANY, status=ANY),
        workload("Deployment", "deployments", strategy=obj(type=S, rollingUpdate=ANY), paused=B, progressDeadlineSeconds=I),
        workload("StatefulSet", "statefulsets", serviceName=S, podManagementPolicy=S, updateStrategy=obj(type=S, rollingUpdate=ANY), volumeClaimTemplates=listing(ANY)),
        workload("DaemonSet", "daemonsets", updateStrategy=obj(type=S, rollingUpdate=ANY)),
        kind("batch/v1", "Job", "jobs", True, True, spec=job, status=ANY),
        kind("networking.k8s.io/v1", "Ingress", "ingresses", True, True, spec=ingress, status=ANY),
        kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", True, spec=policy),
        kind(rbac, "Role", "roles", True, rules=RULES), kind(rbac, "ClusterRole", "clusterroles", False, rules=RULES, aggregationRule=ANY),
        kind(rbac, "RoleBinding", "rolebindings", True, subjects=SUBJECTS, roleRef=ROLE_REF),
        kind(rbac, "ClusterRoleBinding", "clusterrolebindings", False, subjects=SUBJECTS, roleRef=ROLE_REF),
        kind("storage.k8s.io/v1", "StorageClass", "storageclasses", False, provisioner=S, parameters=TEXTS, reclaimPolicy=S, volumeBindingMode=S, allowVolumeExpansion=B, mountOptions=listing(S)),
        kind("storage.k8s.io/v1", "CSIDriver", "csidrivers", False, spec=obj(attachRequired=B, podInfoOnMount=B, fsGroupPolicy=S, volumeLifecycleModes=listing(S, kind="set"))),
        kind("networking.k8s.io/v1", "IngressClass", "ingressclasses", False, spec=obj(controller=S, parameters=ANY)),
        kind(admission, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", False, webhooks=listing(WEBHOOK, "name")),
        kind(admission, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", False, webhooks=listing(WEBHOOK, "name")),
        kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", False, True, spec=definition,
             status=obj(conditions=CONDITIONS, acceptedNames=names, storedVersions=listing(S))),
        kind("apiregistration.k8s.io/v1", "APIService", "apiservices", False, True, spec=api_service, status=obj(conditions=CONDITIONS)),
    ]


def of_definition(definition: dict) -> list[Kind]:
    spec, found = definition["spec"], []
    for version in spec["versions"]:
        if not version.get("served"):
            continue
        schema = copy.deepcopy(version["schema"]["openAPIV3Schema"])
        schema.setdefault("properties", {}).update(apiVersion=S, kind=S, metadata=METADATA)
        found.append(Kind(spec["group"], version["name"], spec["names"]["kind"], spec["names"]["plural"], spec["scope"] == "Namespaced", schema,
                          "status" in (version.get("subresources") or {})))
    return found


# ---- defaults


def default(node: dict, value):
    """Fills in what the schema says."""
    if isinstance(value, dict):
        for name, child in node.get("properties", {}).items():
            if name not in value and "default" in child:
                value[name] = copy.deepcopy(child["default"])
            if name in value:
                default(child, value[name])
        if "additionalProperties" in node:
            for child in value.values():
                default(node["additionalProperties"], child)
    elif isinstance(value, list):
        for child in value:
            default(node.get("items", {}), child)


def fill(kind_: Kind, thing: dict) -> None:
    """The defaults that the server's own code sets."""
    default(kind_.schema, thing)
    spec = thing.get("spec") or {}
    if kind_.kind == "Secret":
        thing.setdefault("type", "Opaque")
    if kind_.kind == "Service":
        spec.setdefault("type", "ClusterIP")
        spec.setdefault("sessionAffinity", "None")
        for port in spec.get("ports") or []:
            port.setdefault("targetPort", port.get("port"))
    if kind_.kind == "Namespace":
        thing.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
        thing.setdefault("status", {}).setdefault("phase", "Active")
    template = spec if kind_.kind == "Pod" else (spec.get("template") or {}).get("spec") if kind_.group in ("apps", "batch") else None
    if kind_.group == "apps" and kind_.kind != "DaemonSet":
        spec.setdefault("replicas", 1)
    if template is not None:
        template.setdefault("restartPolicy", "Always")
        template.setdefault("dnsPolicy", "ClusterFirst")
        template.setdefault("schedulerName", "default-scheduler")
        template.setdefault("terminationGracePeriodSeconds", 30)
        for container in (template.get("containers") or []) + (template.get("initContainers") or []):
            image = container.get("image", "")
            container.setdefault("imagePullPolicy", "Always" if ":" not in image or image.endswith(":latest") else "IfNotPresent")
            container.setdefault("terminationMessagePath", "/dev/termination-log")
            container.setdefault("terminationMessagePolicy", "File")
            for amounts in (container.get("resources") or {}).values():
                for name, amount in (amounts.items() if isinstance(amounts, dict) else ()):
                    if re.fullmatch(r"\d+000m", str(amount)):
                        amounts[name] = amount[:-4]
                    elif re.fullmatch(r"0\.\d{1,3}", str(amount)):
                        amounts[name] = f"{round(float(amount) * 1000)}m"


# ---- what is refused

NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")


def dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def check(node: dict, value, path: str = "") -> list[tuple[str, str, str]]:
    """(field, reason, message) of all that is wrong with a complete object."""
    wrong: list[tuple[str, str, str]] = []
    if isinstance(value, dict):
        for name in node.get("required", []):
            if name not in value:
                wrong.append((dotted(path, name), "FieldValueRequired", "Required value"))
        for name, child in value.items():
            below = node.get("properties", {}).get(name) or node.get("additionalProperties") or {}
            wrong += check(below if isinstance(below, dict) else {}, child, dotted(path, name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            wrong += check(node.get("items", {}), child, f"{path}[{index}]")
    elif "minimum" in node and isinstance(value, (int, float)) and value < node["minimum"]:
        wrong.append((path, "FieldValueInvalid", f"Invalid value: {value}: {path} in body should be greater than or equal to {node['minimum']}"))
    elif "enum" in node and value not in node["enum"]:
        wrong.append((path, "FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {", ".join(map(repr, node["enum"]))}'))
    return wrong


def refuse(kind_: Kind, thing: dict, before: dict | None) -> list[tuple[str, str, str]]:
    wrong = []
    # Names of roles may be anything that fits into a path.
    if kind_.group != "rbac.authorization.k8s.io" and not NAME.match(thing["metadata"].get("name", "")):
        wrong.append(("metadata.name", "FieldValueInvalid", f'Invalid value: "{thing["metadata"].get("name")}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters'))
    wrong += check(kind_.schema, thing)
    spec, old = thing.get("spec") or {}, (before or {}).get("spec") or {}
    if kind_.group == "apps":
        labels, wanted = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}, (spec.get("selector") or {}).get("matchLabels") or {}
        if not wanted:
            wrong.append(("spec.selector", "FieldValueRequired", "Required value"))
        if any(labels.get(name) != value for name, value in wanted.items()):
            wrong.append(("spec.template.metadata.labels", "FieldValueInvalid", "Invalid value: `selector` does not match template `labels`"))
        if before and spec.get("selector") != old.get("selector"):
            wrong.append(("spec.selector", "FieldValueInvalid", "Invalid value: field is immutable"))
    if kind_.kind == "Job" and before and spec.get("template") != old.get("template"):
        wrong.append(("spec.template", "FieldValueInvalid", "Invalid value: field is immutable"))
    if kind_.kind == "StorageClass" and before and thing.get("parameters") != before.get("parameters"):
        wrong.append(("parameters", "FieldValueForbidden", "Forbidden: updates to parameters are forbidden."))
    if kind_.kind == "CustomResourceDefinition" and thing["metadata"]["name"] != f"{spec['names']['plural']}.{spec['group']}":
        wrong.append(("metadata.name", "FieldValueInvalid", 'Invalid value: must be spec.names.plural+"."+spec.group'))
    return wrong
