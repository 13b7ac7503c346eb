package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

type object = map[string]any

var (
	client     *http.Client
	clientOnce sync.Once
)

func connect() {
	pool := x509.NewCertPool()
	ca, _ := os.ReadFile(account + "ca.crt")
	pool.AppendCertsFromPEM(ca)
	client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

type answerError struct {
	status int
	text   string
}

func (e answerError) Error() string { return e.text }

// call asks the API server, as the pod's service account. kind is the content type of a patch.
func call(method, path, kind string, body any) (object, error) {
	clientOnce.Do(connect)
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	server := "https://" + os.Getenv("KUBERNETES_SERVICE_HOST") + ":" + os.Getenv("KUBERNETES_SERVICE_PORT")
	request, err := http.NewRequest(method, server+path, reader)
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", kind)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		return nil, answerError{response.StatusCode, fmt.Sprintf("%s %s: %s", method, path, text)}
	}
	found := object{}
	return found, json.Unmarshal(text, &found)
}

func get(path string) (object, error) { return call("GET", path, "", nil) }

func merge(path string, body object) error {
	_, err := call("PATCH", path, "application/merge-patch+json", body)
	return err
}

func create(path string, body object) error {
	_, err := call("POST", path, "application/json", body)
	return err
}

func has(err error, status int) bool {
	answer, fine := err.(answerError)
	return fine && answer.status == status
}

// items of a list; none where there is no such kind yet.
func items(path string) ([]object, error) {
	list, err := get(path)
	if has(err, 404) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := []object{}
	for _, each := range members(list, "items") {
		found = append(found, each.(object))
	}
	return found, nil
}

// at follows the keys; nil where there is nothing.
func at(from any, keys ...string) any {
	for _, key := range keys {
		level, fine := from.(object)
		if !fine {
			return nil
		}
		from = level[key]
	}
	return from
}

func text(from any, keys ...string) string {
	found, _ := at(from, keys...).(string)
	return found
}

func members(from any, keys ...string) []any {
	found, _ := at(from, keys...).([]any)
	return found
}

var (
	firsts     = map[string]time.Time{}
	firstsLock sync.Mutex
)

// lateFor is true when this was first asked long enough ago.
func lateFor(what string, times float64) bool {
	firstsLock.Lock()
	defer firstsLock.Unlock()
	first, known := firsts[what]
	if !known {
		first = time.Now()
		firsts[what] = first
	}
	return time.Since(first).Seconds() >= times*late.Seconds()
}
