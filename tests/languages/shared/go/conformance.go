// What a client in any language decides: states, hosts, uploads, events; without any network.
package main

import (
	"encoding/base64"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	assemblyURL = regexp.MustCompile(`^(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?/assemblies/([0-9A-Za-z_-]{1,128})$`)
	serviceHost = regexp.MustCompile(`^api2(-[a-z0-9-]+)?\.transloadit\.com$`)
	device      = regexp.MustCompile(`^(?i:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *$`)
	final       = []string{"ASSEMBLY_COMPLETED", "ASSEMBLY_CANCELED", "REQUEST_ABORTED"}
)

// state reads `ok`; any error ends an Assembly, and what nobody knows yet is busy.
func state(ok string, failed bool) string {
	if failed {
		return "failed"
	}
	if slices.Contains(final, ok) {
		return "done"
	}
	return "busy"
}

func expires(at time.Time) string {
	return at.UTC().Format("2006/01/02 15:04:05+00:00")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// goesTo gives where a request about an Assembly goes whose URL this is; nil: nowhere.
func goesTo(given, base string, trusted []string) *string {
	match := assemblyURL.FindStringSubmatch(given)
	if match == nil {
		return nil
	}
	scheme, host, port := match[1], match[2], match[3]
	configured, err := url.Parse(base)
	must(err)
	if port == "" && (serviceHost.MatchString(host) || slices.Contains(trusted, host)) {
		scheme = "https"
	} else if scheme+"://"+host+port != configured.Scheme+"://"+configured.Host &&
		!(isLoopback(host) && isLoopback(configured.Hostname())) {
		return nil
	}
	target := scheme + "://" + host + port + "/assemblies/" + match[4]
	return &target
}

// metadata writes the header Upload-Metadata.
func metadata(pairs map[string]string) string {
	var written []string
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		written = append(written, key+" "+base64.StdEncoding.EncodeToString([]byte(pairs[key])))
	}
	return strings.Join(written, ",")
}

// resumes gives the upload to go on with; nil: none.
func resumes(field, name string, size float64, uploads []any) any {
	for _, one := range uploads {
		upload, _ := one.(map[string]any)
		if upload["fieldname"] == field && upload["filename"] == name && upload["size"] == size {
			return upload["upload_url"]
		}
	}
	return nil
}

type event struct{ Event, Data string }

// events reads a stream as the WHATWG standard does.
func events(stream string) []event {
	found := []event{}
	name, data := "", []string(nil)
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(stream), "\n")
	for _, line := range lines[:len(lines)-1] {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if data != nil {
				if name == "" {
					name = "message"
				}
				found = append(found, event{name, strings.Join(data, "\n")})
			}
			name, data = "", nil
		case key == "event":
			name = value
		case key == "data":
			data = append(data, value)
		}
	}
	return found
}

// safe gives the character itself, or what stands for one that is invisible, or that Windows forbids.
func safe(r rune) rune {
	visible := unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Zs) || r == '\u200c' || r == '\u200d'
	if !visible || strings.ContainsRune(`<>:"/\|?*`, r) {
		return '_'
	}
	return r
}

// fileName gives the name to write a file under; "file" for what has none.
func fileName(given any) string {
	name := strings.TrimRight(strings.TrimLeft(strings.Map(safe, text(given)), " "), ". ")
	if name == "" {
		return "file"
	}
	first, _, _ := strings.Cut(name, ".")
	if first == "" || device.MatchString(first) {
		name = "_" + name
	}
	suffix := ""
	if dot := strings.LastIndex(name, "."); dot > 0 && utf8.RuneCountInString(name[dot:]) <= 33 {
		suffix = name[dot:]
	}
	kept := []rune(strings.TrimSuffix(name, suffix))
	for len(string(kept))+len(suffix) > 200 {
		kept = kept[:len(kept)-1]
	}
	return strings.TrimRight(string(kept)+suffix, ". ")
}
