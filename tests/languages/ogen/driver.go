package main

import (
	"context"
	"encoding/json"
	"os"

	ht "github.com/ogen-go/ogen/http"
	"github.com/ogen-go/ogen/ogenerrors"
	"transloadit.example/languages/api"
)

var signed [][2]string

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func try[T any](value T, err error) T {
	must(err)
	return value
}

func ready(params map[string]any) *api.ReplayAssemblyForm {
	text, signature, err := sign(params, os.Getenv("TRANSLOADIT_KEY"), os.Getenv("TRANSLOADIT_SECRET"))
	must(err)
	signed = append(signed, [2]string{text, signature})
	return &api.ReplayAssemblyForm{Params: text, Signature: api.NewOptString(signature)}
}

func file(name string) ht.MultipartFile {
	return ht.MultipartFile{Name: name, File: try(os.Open(name))}
}

// noToken signs instead.
type noToken struct{}

func (noToken) BearerToken(context.Context, api.OperationName) (api.BearerToken, error) {
	return api.BearerToken{}, ogenerrors.ErrSkipClientSecurity
}

func main() {
	ctx, crashed := context.Background(), os.Getenv("CRASHED_ASSEMBLY")
	client := try(api.NewClient(os.Getenv("TRANSLOADIT_ENDPOINT"), noToken{}))

	form := ready(map[string]any{
		"template_id": "resize-to-fit",
		"fields":      map[string]any{"caption": "Grüße, 日本 🎄"},
	})
	files := []ht.MultipartFile{file("one.txt"), file("two.txt")}
	created := try(client.CreateAssembly(ctx, &api.CreateAssemblyFormMultipart{
		Params: form.Params, Signature: form.Signature, Files: files,
	})).(*api.CreateAssemblyOK)
	id := created.AssemblyID.Or("")
	status := try(client.GetAssembly(ctx, api.GetAssemblyParams{AssemblyID: id})).(*api.GetAssemblyOK)
	uploads := []string{}
	for _, upload := range status.Uploads.Value {
		uploads = append(uploads, upload.Value.Name.Or(""))
	}
	cancelled := try(client.CancelAssembly(ctx, api.CancelAssemblyParams{AssemblyID: id})).(*api.CancelAssemblyOK)
	again := api.ReplayAssemblyParams{AssemblyID: crashed}
	replayed := try(client.ReplayAssembly(ctx, ready(map[string]any{"reparse_template": 0}), again)).(*api.ReplayAssemblyResult)
	notification := api.ReplayAssemblyNotificationForm(*ready(map[string]any{}))
	notified := try(client.ReplayAssemblyNotification(ctx, &notification, api.ReplayAssemblyNotificationParams{AssemblyID: crashed})).(*api.ReplayAssemblyNotificationResult)
	again.AssemblyID = id
	refused := try(client.ReplayAssembly(ctx, ready(map[string]any{"reparse_template": 0}), again)).(*api.ReplayAssemblyBadRequest)

	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"assembly_id": id, "created": created.Ok.Or(""), "status": status.Ok.Or(""), "uploads": uploads,
		"cancelled": cancelled.Ok.Or(""), "replayed": replayed.AssemblyID.Or(""), "notified": notified.Ok.Or(""),
		"error": refused.Error.Or(""), "signed": signed, "vectors": vectors(readStatus, readRefusal),
	}))
}
