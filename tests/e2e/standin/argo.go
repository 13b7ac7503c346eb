package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"text/template"
)

const argo = "/apis/argoproj.io/v1alpha1/namespaces/"

// What the test says of an Application: how it is, from the next comparison on.
const healthAnnotation = "standin/health"

var commit = regexp.MustCompile(`^[0-9a-f]{40}$`)

// What the root's directory of the repository holds: these Applications.
var children = []string{"shop"}

func same(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// revisionOf is the commit that a repository has there: a commit itself, else one that follows from the name.
func revisionOf(source any) string {
	wanted := text(source, "targetRevision")
	if commit.MatchString(wanted) {
		return wanted
	}
	sum := sha1.Sum([]byte(text(source, "repoURL") + wanted))
	return hex.EncodeToString(sum[:])
}

// worst is the health of what an Application deploys, as far as those are Applications: with the setting that slipway makes, theirs is its own.
func worst(app object, apps []object) string {
	order := []string{"Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"}
	found := 0
	prefix := text(app, "metadata", "name") + ":"
	for _, each := range apps {
		if !strings.HasPrefix(text(each, "metadata", "annotations", "argocd.argoproj.io/tracking-id"), prefix) {
			continue
		}
		health := text(each, "status", "health", "status")
		if health == "" {
			health = "Progressing"
		}
		for i, name := range order {
			if name == health && i > found {
				found = i
			}
		}
	}
	return order[found]
}

// statusOf is what Argo CD would say of it: nothing new for a while, then that it syncs, then that it is done.
func statusOf(app object, apps []object) object {
	source := at(app, "spec", "source")
	key, _ := json.Marshal(source)
	turn := text(app, "metadata", "uid") + string(key)
	if !lateFor(turn, 1) {
		return nil
	}
	sync := object{"status": "OutOfSync", "revision": revisionOf(source), "comparedTo": object{"source": source, "destination": at(app, "spec", "destination")}}
	health := object{"status": "Progressing"}
	operation := object{"phase": "Running", "message": "applying", "startedAt": now(), "operation": object{"sync": object{}}}
	automated := at(app, "spec", "syncPolicy", "automated") != nil
	switch {
	case !automated:
		return object{"reconciledAt": now(), "sync": sync, "health": object{"status": "Missing"}}
	case lateFor(turn, 2):
		sync["status"], health["status"] = "Synced", worst(app, apps)
		operation["phase"], operation["message"] = "Succeeded", "successfully synced"
	}
	if said := text(app, "metadata", "annotations", healthAnnotation); said != "" {
		health = object{"status": said, "message": "the test says so"}
	}
	return object{"reconciledAt": now(), "sync": sync, "health": health, "operationState": operation}
}

func shown(status any) object {
	return object{"sync": at(status, "sync"), "health": at(status, "health"), "phase": at(status, "operationState", "phase")}
}

func reconcileApplications(namespace string) error {
	path := argo + namespace + "/applications"
	apps, err := items(path)
	if err != nil {
		return err
	}
	for _, app := range apps {
		name := text(app, "metadata", "name")
		if at(app, "metadata", "deletionTimestamp") != nil {
			if len(members(app, "metadata", "finalizers")) > 0 {
				if err := merge(path+"/"+name, object{"metadata": object{"finalizers": nil}}); err != nil {
					return err
				}
			}
			continue
		}
		status := statusOf(app, apps)
		if status == nil {
			continue
		}
		// Synced is what has been applied: its children are there before it says so, and count.
		if text(app, "spec", "source", "path") == "apps" && text(status, "sync", "status") == "Synced" {
			if made, err := makeChildren(namespace, app); err != nil {
				return err
			} else if made {
				return nil
			}
		}
		if !same(shown(status), shown(app["status"])) {
			if err := merge(path+"/"+name, object{"status": status}); err != nil && !has(err, 404) {
				return err
			}
		}
	}
	return nil
}

func makeChildren(namespace string, root object) (made bool, err error) {
	for _, name := range children {
		spec := object{}
		for key, value := range root["spec"].(object) {
			spec[key] = value
		}
		source := object{}
		for key, value := range spec["source"].(object) {
			source[key] = value
		}
		source["path"] = "services/" + name
		spec["source"] = source
		tracked := text(root, "metadata", "name") + ":argoproj.io/Application:" + namespace + "/" + name
		err = create(argo+namespace+"/applications?fieldManager=argocd-controller", object{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": spec,
			"metadata": object{"name": name, "namespace": namespace, "annotations": object{"argocd.argoproj.io/tracking-id": tracked}}})
		if err != nil && !has(err, 409) {
			return made, err
		}
		made = made || err == nil
	}
	return made, nil
}

// fill executes the set's template as Argo CD does: with Go's templates, where a missing key is an error.
func fill(from any, element any) (object, error) {
	raw, err := json.Marshal(from)
	if err != nil {
		return nil, err
	}
	parsed, err := template.New("set").Option("missingkey=error").Parse(string(raw))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, element); err != nil {
		return nil, err
	}
	found := object{}
	return found, json.Unmarshal(out.Bytes(), &found)
}

func reconcileSet(namespace string, set object) error {
	for _, generator := range members(set, "spec", "generators") {
		for _, element := range members(generator, "list", "elements") {
			app, err := fill(at(set, "spec", "template"), element)
			if err != nil {
				return err
			}
			app["apiVersion"], app["kind"] = "argoproj.io/v1alpha1", "Application"
			app["metadata"].(object)["ownerReferences"] = []object{{
				"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": text(set, "metadata", "name"), "uid": text(set, "metadata", "uid"), "controller": true}}
			if err := create(argo+namespace+"/applications?fieldManager=argocd-applicationset-controller", app); err != nil && !has(err, 409) {
				return err
			}
		}
	}
	return nil
}

func reconcileSets(namespace string) error {
	path := argo + namespace + "/applicationsets"
	sets, err := items(path)
	if err != nil {
		return err
	}
	for _, set := range sets {
		if at(set, "metadata", "deletionTimestamp") != nil || len(members(set, "status", "conditions")) > 0 || !lateFor(text(set, "metadata", "uid"), 1) {
			continue
		}
		condition := object{"type": "ResourcesUpToDate", "status": "True", "reason": "ApplicationSetUpToDate", "message": "all is there", "lastTransitionTime": now()}
		if err := reconcileSet(namespace, set); err != nil {
			condition = object{"type": "ErrorOccurred", "status": "True", "reason": "RenderTemplateParamsError", "message": err.Error(), "lastTransitionTime": now()}
		}
		if err := merge(path+"/"+text(set, "metadata", "name")+"/status", object{"status": object{"conditions": []object{condition}}}); err != nil {
			return err
		}
	}
	return nil
}
