// kin-openapi, on which Go's gateways stand: whether it takes the document, and which requests and answers it refuses.
//
// Reads a list of `{"document": path, "calls": [{"request": …, "response": …}]}` from the standard input, bodies in
// base64. Prints a list of complaints for each document, one for each call; an empty text is none. A document that it
// does not load has one complaint.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

type call struct {
	Request struct {
		Method      string
		Path        string
		ContentType string `json:"content_type"`
		Body        []byte
	}
	Response struct {
		Status int
		Body   []byte
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(router routers.Router, one call) error {
	request, err := http.NewRequest(strings.ToUpper(one.Request.Method), "http://localhost"+one.Request.Path, bytes.NewReader(one.Request.Body))
	must(err)
	if one.Request.ContentType != "" {
		request.Header.Set("Content-Type", one.Request.ContentType)
	}
	route, parameters, err := router.FindRoute(request)
	if err != nil {
		return err
	}
	asked := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if err := openapi3filter.ValidateRequest(context.Background(), asked); err != nil {
		return err
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked,
		Status:                 one.Response.Status,
		Header:                 http.Header{"Content-Type": {"application/json"}},
		Body:                   io.NopCloser(bytes.NewReader(one.Response.Body)),
	})
}

func complaints(path string, calls []call) []string {
	document, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return []string{err.Error()}
	}
	document.Servers = nil                    // a gateway is at an address of its own
	router, err := legacy.NewRouter(document) // validates the document, its examples too
	if err != nil {
		return []string{err.Error()}
	}
	said := []string{}
	for _, one := range calls {
		complaint := ""
		if err := check(router, one); err != nil {
			complaint = err.Error()
		}
		said = append(said, complaint)
	}
	return said
}

func main() {
	var given []struct {
		Document string
		Calls    []call
	}
	must(json.NewDecoder(os.Stdin).Decode(&given))
	said := [][]string{}
	for _, one := range given {
		said = append(said, complaints(one.Document, one.Calls))
	}
	must(json.NewEncoder(os.Stdout).Encode(said))
}
