package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"net/http"
	"strings"
	"time"
)

func secretPath(name string) (string, string, string) {
	namespace, short := split(name)
	return "/api/v1/namespaces/" + namespace + "/secrets", namespace, short
}

// certificate is one of its own: its own CA.
func certificate(name string) (pair tls.Certificate, certPEM, keyPEM []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		log.Fatal(err)
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, certPEM, keyPEM
}

// keep writes the certificate into the Secret, whether it is there or not.
func keep(secret string, certPEM, keyPEM []byte) error {
	path, namespace, name := secretPath(secret)
	data := object{"ca.crt": base64.StdEncoding.EncodeToString(certPEM), "tls.crt": base64.StdEncoding.EncodeToString(certPEM), "tls.key": base64.StdEncoding.EncodeToString(keyPEM)}
	err := merge(path+"/"+name, object{"data": data})
	if has(err, 404) {
		err = create(path, object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": name, "namespace": namespace}, "data": data})
	}
	return err
}

func hostOf(webhook string) string {
	namespace, service := split(webhook)
	return service + "." + namespace + ".svc"
}

// serveWebhook answers nobody at first, then with a certificate that is known to nobody yet.
func serveWebhook(webhook, secret, directory string) {
	time.Sleep(late)
	var pair tls.Certificate
	var err error
	if directory != "" {
		if pair, err = tls.LoadX509KeyPair(directory+"/cert", directory+"/key"); err != nil {
			log.Fatal(err)
		}
	} else {
		var certPEM, keyPEM []byte
		pair, certPEM, keyPEM = certificate(hostOf(webhook))
		for err := keep(secret, certPEM, keyPEM); err != nil; err = keep(secret, certPEM, keyPEM) {
			log.Printf("webhook: %v", err)
			time.Sleep(time.Second)
		}
	}
	server := &http.Server{Addr: ":9443", Handler: http.HandlerFunc(review), TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
	log.Printf("webhook: serving")
	log.Fatal(server.ListenAndServeTLS("", ""))
}

// runJob is what the two Jobs of ingress-nginx do.
func runJob(what, webhook, secret, configuration string) error {
	path, namespace, name := secretPath(secret)
	if what == "create" {
		if _, err := get(path + "/" + name); !has(err, 404) {
			return err
		}
		_, certPEM, keyPEM := certificate(hostOf(webhook))
		encode := base64.StdEncoding.EncodeToString
		return create(path, object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": name, "namespace": namespace},
			"data": object{"ca": encode(certPEM), "cert": encode(certPEM), "key": encode(keyPEM)}})
	}
	found, err := get(path + "/" + name)
	if err != nil {
		return err
	}
	live, err := get(webhookPath + configuration)
	if err != nil {
		return err
	}
	return putCA(live, text(found, "data", "ca"))
}

const webhookPath = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/"

func review(w http.ResponseWriter, r *http.Request) {
	asked := object{}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || at(asked, "request", "uid") == nil {
		http.Error(w, "an AdmissionReview wanted", http.StatusBadRequest)
		return
	}
	answer := object{"uid": at(asked, "request", "uid"), "allowed": true}
	if why := refuse(at(asked, "request", "object")); why != "" {
		answer["allowed"] = false
		answer["status"] = object{"message": why, "code": 403}
	}
	log.Printf("webhook: %s %s %s: %v", text(asked, "request", "operation"), text(asked, "request", "kind", "kind"), text(asked, "request", "name"), answer["allowed"])
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer})
}

// refuse says what is wrong, of that which schemas leave open.
func refuse(thing any) string {
	switch text(thing, "kind") {
	case "ClusterIssuer":
		if email := text(thing, "spec", "acme", "email"); at(thing, "spec", "acme") != nil && !strings.Contains(email, "@") {
			return fmt.Sprintf("spec.acme.email: Invalid value: %q: no address", email)
		}
	case "IPAddressPool":
		for _, each := range members(thing, "spec", "addresses") {
			if strings.HasPrefix(each.(string), "127.") {
				return fmt.Sprintf("invalid CIDR %q: loopback", each)
			}
		}
	}
	return ""
}

// injectCA is what cert-manager's cainjector and MetalLB's certificate rotation do.
func injectCA(configuration, secret string) error {
	path, _, name := secretPath(secret)
	found, err := get(path + "/" + name)
	if err != nil {
		return err
	}
	ca := text(found, "data", "ca.crt")
	if ca == "" || !lateFor("inject", 1) {
		return nil
	}
	live, err := get(webhookPath + configuration)
	if has(err, 404) {
		return nil
	}
	if err != nil {
		return err
	}
	return putCA(live, ca)
}

func putCA(configuration object, ca string) error {
	patch := []object{}
	for i, each := range members(configuration, "webhooks") {
		if text(each, "clientConfig", "caBundle") != ca {
			patch = append(patch, object{"op": "add", "path": fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), "value": ca})
		}
	}
	if len(patch) == 0 {
		return nil
	}
	_, err := call("PATCH", webhookPath+text(configuration, "metadata", "name"), "application/json-patch+json", patch)
	return err
}

func serveMetrics() {
	pair, _, _ := certificate("metrics-server.kube-system.svc")
	time.Sleep(late)
	server := &http.Server{Addr: ":9443", TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/apis/metrics.k8s.io/v1beta1" {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(object{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "metrics.k8s.io/v1beta1", "resources": []object{
			{"name": "nodes", "singularName": "", "namespaced": false, "kind": "NodeMetrics", "verbs": []string{"get", "list"}},
		}})
	})}
	log.Fatal(server.ListenAndServeTLS("", ""))
}
