package main

import (
	"encoding/base64"
	"strings"
	"time"
)

func now() string { return time.Now().UTC().Format(time.RFC3339) }

func fillSecret(name string) error {
	path, _, short := secretPath(name)
	found, err := get(path + "/" + short)
	if err != nil || text(found, "data", "server.secretkey") != "" {
		return err
	}
	return merge(path+"/"+short, object{"data": object{"server.secretkey": base64.StdEncoding.EncodeToString([]byte("made by the server itself"))}})
}

func makeMemberlist(namespace string) error {
	path := "/api/v1/namespaces/" + namespace + "/secrets"
	if _, err := get(path + "/memberlist"); !has(err, 404) || !lateFor("memberlist", 1) {
		return nil
	}
	return create(path, object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "memberlist", "namespace": namespace},
		"data": object{"secretkey": base64.StdEncoding.EncodeToString([]byte("one of its own"))}})
}

func makeIssuersReady() error {
	const path = "/apis/cert-manager.io/v1/clusterissuers"
	issuers, err := items(path)
	if err != nil {
		return err
	}
	for _, each := range issuers {
		name := text(each, "metadata", "name")
		if len(members(each, "status", "conditions")) > 0 || !lateFor("issuer "+text(each, "metadata", "uid"), 1) {
			continue
		}
		condition := object{"type": "Ready", "status": "True", "reason": "ACMEAccountRegistered", "message": "registered", "lastTransitionTime": now()}
		if err := merge(path+"/"+name+"/status", object{"status": object{"conditions": []object{condition}}}); err != nil {
			return err
		}
	}
	return nil
}

func giveAddresses(namespace string) error {
	pools, err := items("/apis/metallb.io/v1beta1/namespaces/" + namespace + "/ipaddresspools")
	if err != nil || len(pools) == 0 {
		return err
	}
	ranges := members(pools[0], "spec", "addresses")
	services, err := items("/api/v1/services")
	if err != nil || len(ranges) == 0 {
		return err
	}
	address, _, _ := strings.Cut(ranges[0].(string), "-")
	for _, each := range services {
		if text(each, "spec", "type") != "LoadBalancer" || len(members(each, "status", "loadBalancer", "ingress")) > 0 {
			continue
		}
		path := "/api/v1/namespaces/" + text(each, "metadata", "namespace") + "/services/" + text(each, "metadata", "name") + "/status"
		if err := merge(path, object{"status": object{"loadBalancer": object{"ingress": []object{{"ip": address}}}}}); err != nil {
			return err
		}
	}
	return nil
}
