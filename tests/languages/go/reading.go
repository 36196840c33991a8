// How the vectors' odd answers are read, by the generated types.
package main

import (
	"cmp"
	"encoding/json"

	"transloadit.example/languages/api"
)

func readStatus(body []byte) (reading, error) {
	var status api.AssemblyStatus
	err := json.Unmarshal(body, &status)
	return reading{ok: status.GetOk(), id: status.GetAssemblyId(), failed: status.GetError() != ""}, err
}

func readRefusal(body []byte) (reading, error) {
	var refusal api.AssemblyError
	err := json.Unmarshal(body, &refusal)
	return reading{code: cmp.Or(refusal.GetError(), text(refusal.GetCode()))}, err
}
