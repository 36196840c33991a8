// Which failures may be repeated, and with which bytes: the rules of retries.json.
package main

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

const asked = "7828446e5acd4aa996dce3455ec914e9"

// What these codes say of a request, whatever HTTP status they come with.
var codes = map[string]string{
	"RATE_LIMIT_REACHED": "limited", "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED": "limited",
	"AUTH_EXPIRED":             "expired",
	"SIGNATURE_REUSE_DETECTED": "used", "DO_NOT_REUSE_ASSEMBLY_IDS": "used",
	"GET_ACCOUNT_UNKNOWN_AUTH_KEY": "refused", "INSUFFICIENT_AUTH_SCOPE": "refused",
	"INVALID_PARAMS_FIELD": "refused", "INVALID_AUTH_EXPIRES_PARAMETER": "refused",
	"INVALID_SIGNATURE": "refused", "NO_AUTH_EXPIRES_PARAMETER": "refused", "NO_PARAMS_FIELD": "refused",
	"NO_SIGNATURE_FIELD": "refused", "TEMPLATE_DENIES_STEPS_OVERRIDE": "refused", "TEMPLATE_NOT_FOUND": "refused",
}

type outcome struct {
	Kind       string
	HTTPStatus int `json:"http_status"`
	Body       string
	BodyBase64 string  `json:"body_base64"`
	ClockOffBy float64 `json:"clock_is_off_by"`
	Headers    map[string]string
}

// answer is the JSON object in an answer; nil if there is none.
func (o outcome) answer() (data map[string]any) {
	raw := []byte(o.Body)
	if o.BodyBase64 != "" {
		raw, _ = base64.StdEncoding.DecodeString(o.BodyBase64)
	}
	if json.Unmarshal(raw, &data) != nil {
		return nil
	}
	return data
}

func text(value any) string {
	given, _ := value.(string)
	return given
}

func given(value any) bool {
	return value != nil && value != "" && value != false
}

// phase tells how far an attempt came: done, or how it failed.
func phase(o outcome, guard string, looking bool) string {
	if o.Kind != "answer" {
		return map[string]string{"cannot be sent": "refused", "lost": "unknown", "not sent": "not sent"}[o.Kind]
	}
	status, data := o.HTTPStatus, o.answer()
	limited := status == 423 || status == 429
	if data == nil {
		if limited {
			return "limited"
		}
		return byStatus(status, true)
	}
	code, about := text(data["error"]), text(data["assembly_id"])
	if code == "" {
		code = text(data["code"])
	}
	unsigned := guard == "harmless" || guard == "twice is once"
	if (unsigned || guard == "own id") && about != "" && about != asked {
		return "unknown" // an answer about another Assembly
	}
	reads := unsigned && !looking
	if status < 400 && !(given(data["error"]) && !(reads && about != "")) {
		known := about != "" || !reads && given(data["ok"])
		if known && !(looking && data["ok"] == "ASSEMBLY_UPLOADING") {
			return "done"
		}
		return byStatus(status, true)
	}
	switch says, known := codes[code]; {
	case known:
		return says
	case limited:
		return "limited"
	case about != "" && !unsigned:
		return "refused" // the Assembly is there, and has failed
	case guard == "own id" && (code == "ASSEMBLY_NOT_FOUND" || code == "SERVER_404"):
		return "unknown" // an answer to another question
	}
	return byStatus(status, false)
}

func byStatus(status int, unreadable bool) string {
	if status >= 500 || unreadable && status < 300 {
		return "unknown"
	}
	return "refused"
}

func stepAfter(came, guard string, doubt bool) string {
	switch {
	case doubt && guard == "own id" && (came == "refused" || came == "expired"):
		return "look"
	case doubt && guard == "nonce" && (came == "refused" || came == "used" || came == "expired"):
		return "report"
	case doubt && guard == "nonce":
		return "same"
	case guard == "own id" && (came == "used" || came == "unknown"):
		return "look"
	case guard == "nothing" && came == "unknown":
		return "report"
	}
	return map[string]string{"not sent": "same", "unknown": "same", "limited": "anew", "expired": "anew",
		"refused": "stop", "used": "stop"}[came]
}

// decisions gives what follows each outcome.
func decisions(guard string, attempts int, outcomes []outcome) (done []string) {
	doubt, corrected, clock, at := false, false, 0.0, 0
	unsigned := guard == "harmless" || guard == "twice is once"
	for number := 1; number <= attempts; number++ {
		o := outcomes[at]
		at++
		came := phase(o, guard, false)
		if came == "done" {
			return append(done, "done")
		}
		if came == "expired" {
			corrected = !corrected && math.Abs(o.ClockOffBy-clock) >= 30
			if corrected {
				clock = o.ClockOffBy
			} else {
				came = "refused"
			}
		}
		doubt = doubt || came == "unknown" && guard != "harmless"
		if came == "refused" && guard == "twice is once" {
			doubt = false // the refusal says how things stand
		}
		step := stepAfter(came, guard, doubt)
		if step == "look" {
			found, looks := look(attempts, outcomes[at:])
			at += looks
			done = append(done, slices.Repeat([]string{"look"}, looks)...)
			if found != "missing" {
				return append(done, found)
			}
			doubt = came != "refused"
			step = map[string]string{"unknown": "same", "used": "anew", "expired": "anew", "refused": "stop"}[came]
		}
		if step == "stop" || step == "report" || number == attempts {
			if doubt {
				return append(done, "report")
			}
			return append(done, "stop")
		}
		if unsigned {
			step = "same"
		}
		done = append(done, step)
	}
	return done
}

// look reads the status until something is known; gives how that ends, and how many reads it took.
func look(attempts int, outcomes []outcome) (string, int) {
	for number := 1; ; number++ {
		o := outcomes[number-1]
		came, data := phase(o, "harmless", true), o.answer()
		switch {
		case came == "done" && data["ok"] != "REQUEST_ABORTED":
			return "done", number
		case came == "refused" && data["error"] == "ASSEMBLY_NOT_FOUND":
			return "missing", number
		case came == "done" || data["assembly_id"] == asked:
			return "stop", number // it is there, and has failed
		case came == "refused" || came == "used" || number == attempts:
			return "report", number
		}
	}
}

// wait gives the least and the most seconds to wait after attempt `number`.
func wait(o outcome, guard string, number int) [2]float64 {
	info, _ := o.answer()["info"].(map[string]any)
	hint, known := info["retryIn"].(float64)
	known = known && hint >= 0
	if !known && o.Headers["Retry-After"] != "" {
		seconds, err := strconv.ParseFloat(o.Headers["Retry-After"], 64)
		hint, known = seconds, err == nil
	}
	backoff := math.Min(30, math.Ldexp(0.5, number-1))
	if phase(o, guard, false) != "limited" {
		return [2]float64{hint, math.Max(backoff, hint)}
	}
	if !known {
		hint = backoff
	}
	least := math.Max(1, hint)
	return [2]float64{least, least + 0.5}
}
