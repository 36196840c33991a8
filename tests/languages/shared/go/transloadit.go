// What no generator writes: how the API wants its texts signed.
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

var algorithms = map[string]func() hash.Hash{
	"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

func digest(algorithm, secret, text string) string {
	mac := hmac.New(algorithms[algorithm], []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// encode writes JSON in ASCII: what is not becomes \uXXXX, in surrogate pairs where it must.
func encode(value any) (string, error) {
	text, err := json.Marshal(value)
	var ascii strings.Builder
	for _, unit := range utf16.Encode([]rune(string(text))) {
		if unit < 0x80 {
			ascii.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&ascii, `\u%04x`, unit)
		}
	}
	return ascii.String(), err
}

// sign adds `auth` to params, and gives the text to send with its signature.
func sign(params map[string]any, key, secret string) (string, string, error) {
	params["auth"] = map[string]string{
		"key": key, "nonce": rand.Text(),
		"expires": expires(time.Now().Add(time.Hour)),
	}
	text, err := encode(params)
	return text, "sha384:" + digest("sha384", secret, text), err
}

// genuine says whether a Pingback is Transloadit's own.
func genuine(text, signature, secret string) bool {
	algorithm, claimed, found := strings.Cut(signature, ":")
	if !found {
		algorithm, claimed = "sha1", signature
	}
	_, known := algorithms[algorithm]
	return known && hmac.Equal([]byte(claimed), []byte(digest(algorithm, secret, text)))
}

func percent(text, kept string) string {
	var escaped strings.Builder
	for _, b := range []byte(text) {
		if b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || strings.IndexByte(kept, b) >= 0 {
			escaped.WriteByte(b)
		} else {
			fmt.Fprintf(&escaped, "%%%02X", b)
		}
	}
	return escaped.String()
}

// smartCDN signs a URL: a path as encodeURIComponent writes it, a query as URLSearchParams does.
func smartCDN(workspace, template, input string, params [][2]string, key, secret string, exp int64) string {
	pairs := slices.DeleteFunc(slices.Clone(params), func(pair [2]string) bool {
		return slices.Contains([]string{"sig", "auth_key", "exp"}, pair[0])
	})
	pairs = append(pairs, [2]string{"auth_key", key}, [2]string{"exp", fmt.Sprint(exp)})
	slices.SortStableFunc(pairs, func(a, b [2]string) int {
		return slices.Compare(utf16.Encode([]rune(a[0])), utf16.Encode([]rune(b[0])))
	})
	query := make([]string, len(pairs))
	for i, pair := range pairs {
		query[i] = strings.ReplaceAll(percent(pair[0], "*-._ ")+"="+percent(pair[1], "*-._ "), " ", "+")
	}
	path := percent(template, "-_.!~*'()") + "/" + percent(input, "-_.!~*'()") + "?" + strings.Join(query, "&")
	signature := digest("sha256", secret, percent(workspace, "-_.!~*'()")+"/"+path)
	return "https://" + percent(workspace, "-_.!~*'()") + ".tlcdn.com/" + path + "&sig=sha256%3A" + signature
}
