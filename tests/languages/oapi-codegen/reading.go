// How the vectors' odd answers are read, by the generated types.
package main

import (
	"cmp"
	"encoding/json"

	"transloadit.example/languages/api"
)

func or(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

func readStatus(body []byte) (reading, error) {
	var status api.AssemblyStatus
	err := json.Unmarshal(body, &status)
	return reading{ok: or(status.Ok), id: or(status.AssemblyId), failed: or(status.Error) != ""}, err
}

func readRefusal(body []byte) (reading, error) {
	var refusal api.AssemblyError
	err := json.Unmarshal(body, &refusal)
	return reading{code: cmp.Or(or(refusal.Error), text(refusal.Code))}, err
}
