package main

import (
	"net/http"
	"os"
	"strings"
)

// meetsAFault asks the stand-in's admin API for a fault, as any program can, and whether the next request meets it.
func meetsAFault() bool {
	endpoint := os.Getenv("TRANSLOADIT_ENDPOINT")
	fault := strings.NewReader(`{"kind": "unavailable", "operation": "getAssembly"}`)
	asked, err := http.Post(endpoint+"/_standin/faults", "application/json", fault)
	if err != nil || asked.StatusCode != http.StatusCreated {
		return false
	}
	met, err := http.Get(endpoint + "/assemblies/" + os.Getenv("CRASHED_ASSEMBLY"))
	return err == nil && met.StatusCode == http.StatusServiceUnavailable
}
