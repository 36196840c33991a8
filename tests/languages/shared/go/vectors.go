package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
)

// reading is what a generated type holds of a body: `ok`, whether there is an `error`, a code, an id.
type reading struct {
	ok, code, id string
	failed       bool
}

type row struct {
	Name, Secret, Algorithm, Params, Signature, JSON, Text string
	Needs                                                  []string
}

func load(kind string, rows any) {
	text, err := os.ReadFile(filepath.Join(os.Getenv("VECTORS"), kind+".json"))
	must(err)
	must(json.Unmarshal(text, &struct{ Rows any }{rows}))
}

func parse(text string) (value any) {
	must(json.Unmarshal([]byte(text), &value))
	return value
}

// vectors tells for each row whether it holds here; the two functions read a body with generated types.
func vectors(status, refusal func([]byte) (reading, error)) map[string]bool {
	held := map[string]bool{}
	signatures(held)
	answers(held, status, refusal)
	decided(held)
	held["faults/asked for"] = meetsAFault()
	return held
}

func signatures(held map[string]bool) {
	var signing, encoding []row
	load("signing", &signing)
	for _, r := range signing {
		held["signing/"+r.Name] = r.Algorithm+":"+digest(r.Algorithm, r.Secret, r.Params) == r.Signature
	}
	load("encoding", &encoding)
	for _, r := range encoding {
		if r.Needs != nil {
			continue // no Go string holds half a surrogate pair, and no float64 an integer beyond 2^53
		}
		text, err := encode(parse(r.JSON))
		must(err)
		held["encoding/"+r.Name] = reflect.DeepEqual(parse(text), parse(r.Text))
	}
	var urls []struct {
		Name, Workspace, Template, Input, Secret, URL string
		AuthKey                                       string `json:"auth_key"`
		Params                                        [][2]string
		Exp                                           int64
	}
	load("smart_cdn", &urls)
	for _, r := range urls {
		held["smart_cdn/"+r.Name] = smartCDN(r.Workspace, r.Template, r.Input, r.Params, r.AuthKey, r.Secret, r.Exp) == r.URL
	}
	var pingbacks []struct {
		Name, Secret, Transloadit, Signature string
		ContentType                          string  `json:"content_type"`
		Body                                 *[]byte `json:"body_base64"`
		Accept                               bool
	}
	load("pingbacks", &pingbacks)
	for _, r := range pingbacks {
		status, signature := r.Transloadit, r.Signature
		var refused error
		if r.Body != nil {
			var form map[string]string
			form, refused = readForm(*r.Body, r.ContentType)
			status, signature = form["transloadit"], form["signature"]
		}
		held["pingbacks/"+r.Name] = (refused == nil && genuine(status, signature, r.Secret)) == r.Accept
	}
	var times []struct {
		Name, Slashes string
		Time          time.Time
	}
	load("expires", &times)
	for _, r := range times {
		held["expires/"+r.Name] = expires(r.Time) == r.Slashes
	}
}

func answers(held map[string]bool, status, refusal func([]byte) (reading, error)) {
	var rows []struct {
		Name, Body string
		BodyBase64 string                           `json:"body_base64"`
		ReadsAs    struct{ As, State, Code string } `json:"reads_as"`
	}
	load("answers", &rows)
	for _, r := range rows {
		body, read := []byte(r.Body), status
		if r.BodyBase64 != "" {
			body, _ = base64.StdEncoding.DecodeString(r.BodyBase64)
		}
		if r.ReadsAs.As == "refusal" {
			read = refusal
		}
		answer, err := read(body)
		held["answers/"+r.Name] = map[string]bool{
			"status":     err == nil && state(answer.ok, answer.failed) == r.ReadsAs.State,
			"refusal":    err == nil && answer.code == r.ReadsAs.Code,
			"unreadable": err != nil || answer.id == "",
		}[r.ReadsAs.As]
	}
}

func decided(held map[string]bool) {
	var states []struct {
		Name, State string
		Status      map[string]any
	}
	load("states", &states)
	for _, r := range states {
		held["states/"+r.Name] = state(text(r.Status["ok"]), given(r.Status["error"])) == r.State
	}
	var hosts []struct {
		Name, URL string
		BaseURL   string   `json:"base_url"`
		Trusted   []string `json:"trusted_hosts"`
		GoesTo    *string  `json:"goes_to"`
	}
	load("hosts", &hosts)
	for _, r := range hosts {
		held["hosts/"+r.Name] = reflect.DeepEqual(goesTo(r.URL, r.BaseURL, r.Trusted), r.GoesTo)
	}
	var uploads []struct {
		Name, Header string
		Metadata     map[string]string
		File         struct {
			Field, Name string
			Size        float64
		}
		Uploads []any `json:"tus_uploads"`
		Resumes any
	}
	load("tus", &uploads)
	for _, r := range uploads {
		pairs := strings.Split(r.Header, ",")
		slices.Sort(pairs)
		held["tus/"+r.Name] = metadata(r.Metadata) == strings.Join(pairs, ",") &&
			resumes(r.File.Field, r.File.Name, r.File.Size, r.Uploads) == r.Resumes
	}
	var streams []struct {
		Name, Stream string
		Events       []event
	}
	load("events", &streams)
	for _, r := range streams {
		held["events/"+r.Name] = reflect.DeepEqual(events(r.Stream), r.Events)
	}
	var retries []struct {
		Name, Guard string
		Attempts    int
		History     []struct {
			Outcome outcome
			Next    string
			Wait    *[2]float64
		}
	}
	load("retries", &retries)
	for _, r := range retries {
		var outcomes []outcome
		var next []string
		good := true
		for number, step := range r.History {
			outcomes, next = append(outcomes, step.Outcome), append(next, step.Next)
			good = good && (step.Wait == nil || *step.Wait == wait(step.Outcome, r.Guard, number+1))
		}
		held["retries/"+r.Name] = good && slices.Equal(decisions(r.Guard, r.Attempts, outcomes), next)
	}
	var table []struct {
		Code, Says string
		HTTPStatus int `json:"http_status"`
	}
	load("codes", &table)
	for _, r := range table {
		body, err := json.Marshal(map[string]string{"error": r.Code})
		must(err)
		refusal := outcome{Kind: "answer", HTTPStatus: r.HTTPStatus, Body: string(body)}
		held["codes/"+r.Code] = phase(refusal, "nonce", false) == r.Says ||
			r.Says == "state" && state(r.Code, false) != "failed" || r.Says == "failed" && state("", true) == "failed"
	}
	var names []struct {
		Name, Given string
		FileName    string `json:"file_name"`
		Needs       []string
	}
	load("names", &names)
	for _, r := range names {
		if r.Needs == nil { // Go's library knows no normal forms
			held["names/"+r.Name] = fileName(parse(r.Given)) == r.FileName
		}
	}
}
