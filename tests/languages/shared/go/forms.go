// Reads the form of a Pingback: what two servers could read differently is refused, not guessed.
package main

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	kind      = regexp.MustCompile(`^([\w/-]+) *(?:; *(\w+)=(?:"([^"\\]{1,70})"|([^\s";]{1,70})))? *$`)
	field     = regexp.MustCompile(`(?i)^form-data; *name=(?:"([^"\\]*)"|([\w.-]+))(; *filename="[^"\\]*")? *$`)
	charsets  = regexp.MustCompile(`(?i)charset="?([^";]*)`)
	escape    = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	plain     = regexp.MustCompile(`(?i)^(7bit|8bit|binary)$`)
	ambiguous = errors.New("a form that not all read alike")
)

const mostFields = 100

// readForm gives the fields of a form, decoded; an error: it is none, or can be read in two ways.
func readForm(body []byte, contentType string) (map[string]string, error) {
	match := kind.FindStringSubmatch(strings.TrimSpace(contentType))
	if match == nil {
		return nil, ambiguous
	}
	option := match[3] + match[4]
	switch strings.ToLower(match[1] + " " + match[2]) {
	case "application/x-www-form-urlencoded ", "application/x-www-form-urlencoded charset":
		return readURLEncoded(string(body), option)
	case "multipart/form-data boundary":
		return readMultipart(body, option)
	}
	return nil, ambiguous
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// keep adds one of the two fields that count.
func keep(form map[string]string, name, content, charset string) error {
	if name != "transloadit" && name != "signature" {
		return nil
	}
	_, twice := form[name]
	known := map[string]bool{"": true, "utf-8": true, "utf8": true}[strings.ToLower(charset)]
	if twice || !known && !isASCII(content) || !utf8.ValidString(content) {
		return ambiguous
	}
	form[name] = content
	return nil
}

func decoded(text string) string {
	return escape.ReplaceAllStringFunc(strings.ReplaceAll(text, "+", " "), func(hex string) string {
		value, err := strconv.ParseUint(hex[1:], 16, 8)
		must(err)
		return string([]byte{byte(value)})
	})
}

func readURLEncoded(body, charset string) (map[string]string, error) {
	form, pairs := map[string]string{}, strings.Split(body, "&")
	if len(pairs) > mostFields {
		return nil, ambiguous
	}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if err := keep(form, decoded(name), decoded(value), charset); err != nil {
			return nil, err
		}
	}
	return form, nil
}

func readMultipart(body []byte, boundary string) (map[string]string, error) {
	form, delimiter := map[string]string{}, []byte("\r\n--"+boundary)
	parts := bytes.Split(append([]byte("\r\n"), body...), delimiter)
	for number, part := range parts[1:] {
		if bytes.HasPrefix(part, []byte("--")) && len(parts[0]) == 0 {
			return form, nil
		}
		if number == mostFields {
			return nil, ambiguous
		}
		if err := readPart(form, string(part), boundary); err != nil {
			return nil, err
		}
	}
	return nil, ambiguous // it has no end
}

func readPart(form map[string]string, part, boundary string) error {
	head, content, found := strings.Cut(part, "\r\n\r\n")
	lines, headers := strings.Split(head, "\r\n")[1:], map[string]string{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		headers[strings.ToLower(name)] = strings.TrimSpace(value)
	}
	named := field.FindStringSubmatch(headers["content-disposition"])
	encoding, encoded := headers["content-transfer-encoding"]
	// A part ends at CR LF and the boundary; some also end it where one of the two is missing.
	halves := strings.ReplaceAll("\n"+content, "\r", "\n")
	if !found || !strings.HasPrefix(head, "\r\n") || named == nil || len(lines) > min(len(headers), 8) ||
		encoded && !plain.MatchString(encoding) || strings.Contains(halves, "\n--"+boundary) {
		return ambiguous
	}
	name, charset := named[1]+named[2], ""
	if match := charsets.FindStringSubmatch(headers["content-type"]); match != nil {
		charset = match[1]
	}
	if named[3] != "" && (name == "transloadit" || name == "signature") {
		return ambiguous // a file in the place of a text
	}
	return keep(form, name, content, charset)
}
