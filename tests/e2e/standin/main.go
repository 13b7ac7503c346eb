// The program of every stand-in image: it does, late on purpose, what the controllers and webhooks of the real add-ons do to the API
// server, with no more rights than their manifests give. One image; the arguments say which part it plays:
//
//	--listen :8080                    HTTP: /readyz (at once), and whatever else is asked
//	--late SECONDS                    how long each part keeps everybody waiting [3]
//	--webhook NAMESPACE/SERVICE       serves a validating webhook on :9443; its certificate goes into the Secret of --secret, or comes from --cert
//	--cert DIRECTORY                  cert and key, as ingress-nginx's Secret has them
//	--secret NAMESPACE/NAME           as cert-manager's and MetalLB's do
//	--inject NAME                     puts that CA into the ValidatingWebhookConfiguration NAME
//	--fill NAMESPACE/NAME             fills a Secret that the manifest leaves empty
//	--memberlist NAMESPACE            makes the Secret that MetalLB's speakers wait for
//	--issuers                         makes ClusterIssuers Ready
//	--addresses NAMESPACE             gives Services of type LoadBalancer the first address of a pool
//	--applications NAMESPACE          compares and syncs Applications; the root's repository holds one more
//	--sets NAMESPACE                  makes the Applications of ApplicationSets
//	--metrics                         serves the API group metrics.k8s.io on :9443
//	--job create|patch                ends when it has made the Secret, or given its CA to --inject; fails when that is not there
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

var late time.Duration

// every runs a part of a controller again and again: like the real ones, it looks, and does what is missing.
func every(what string, part func() error) {
	go func() {
		told := ""
		for ; ; time.Sleep(300 * time.Millisecond) {
			text := ""
			if err := part(); err != nil {
				text = err.Error()
			}
			if text != told && text != "" {
				log.Printf("%s: %s", what, text)
			}
			told = text
		}
	}()
}

func split(name string) (string, string) {
	namespace, rest, found := strings.Cut(name, "/")
	if !found {
		log.Fatalf("%q: NAMESPACE/NAME wanted", name)
	}
	return namespace, rest
}

func main() {
	listen := flag.String("listen", "", "")
	seconds := flag.Float64("late", 3, "")
	webhook := flag.String("webhook", "", "")
	cert := flag.String("cert", "", "")
	secret := flag.String("secret", "", "")
	inject := flag.String("inject", "", "")
	fill := flag.String("fill", "", "")
	memberlist := flag.String("memberlist", "", "")
	issuers := flag.Bool("issuers", false, "")
	addresses := flag.String("addresses", "", "")
	applications := flag.String("applications", "", "")
	sets := flag.String("sets", "", "")
	metrics := flag.Bool("metrics", false, "")
	job := flag.String("job", "", "")
	flag.Parse()
	late = time.Duration(*seconds * float64(time.Second))
	if *job != "" {
		if err := runJob(*job, *webhook, *secret, *inject); err != nil {
			log.Fatal(err)
		}
		os.Exit(0)
	}

	if *webhook != "" {
		go serveWebhook(*webhook, *secret, *cert)
	}
	if *inject != "" {
		every("inject", func() error { return injectCA(*inject, *secret) })
	}
	if *fill != "" {
		every("fill", func() error { return fillSecret(*fill) })
	}
	if *memberlist != "" {
		every("memberlist", func() error { return makeMemberlist(*memberlist) })
	}
	if *issuers {
		every("issuers", makeIssuersReady)
	}
	if *addresses != "" {
		every("addresses", func() error { return giveAddresses(*addresses) })
	}
	if *applications != "" {
		every("applications", func() error { return reconcileApplications(*applications) })
	}
	if *sets != "" {
		every("sets", func() error { return reconcileSets(*sets) })
	}
	if *metrics {
		go serveMetrics()
	}
	if *listen == "" {
		select {}
	}
	log.Fatal(http.ListenAndServe(*listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "ok")
	})))
}
