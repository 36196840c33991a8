// How the vectors' odd answers are read, by the generated types.
package main

import (
	"cmp"
	"encoding/json"

	"transloadit.example/languages/api"
)

func readStatus(body []byte) (reading, error) {
	var status api.AssemblyStatus
	err := status.UnmarshalJSON(body)
	return reading{ok: status.Ok.Or(""), id: status.AssemblyID.Or(""), failed: status.Error.Or("") != ""}, err
}

func readRefusal(body []byte) (reading, error) {
	var refusal api.AssemblyError
	if err := refusal.UnmarshalJSON(body); err != nil {
		return reading{}, err
	}
	var code any
	if refusal.Code != nil {
		must(json.Unmarshal(refusal.Code, &code))
	}
	return reading{code: cmp.Or(refusal.Error.Or(""), text(code))}, nil
}
