package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"os"

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

func ready(params map[string]any) api.ReplayAssemblyForm {
	text, signature, err := sign(params, os.Getenv("TRANSLOADIT_KEY"), os.Getenv("TRANSLOADIT_SECRET"))
	must(err)
	signed = append(signed, [2]string{text, signature})
	return api.ReplayAssemblyForm{Params: text, Signature: &signature}
}

// multipartForm is the user's to write: the generated function takes any body.
func multipartForm(form api.ReplayAssemblyForm, names ...string) (string, io.Reader) {
	var body bytes.Buffer
	writer := multipart.NewWriter(&body)
	must(writer.WriteField("params", form.Params))
	must(writer.WriteField("signature", *form.Signature))
	for _, name := range names {
		try(try(writer.CreateFormFile("files", name)).Write(try(os.ReadFile(name))))
	}
	must(writer.Close())
	return writer.FormDataContentType(), &body
}

func main() {
	ctx, crashed := context.Background(), os.Getenv("CRASHED_ASSEMBLY")
	client := try(api.NewClientWithResponses(os.Getenv("TRANSLOADIT_ENDPOINT")))

	contentType, body := multipartForm(ready(map[string]any{
		"template_id": "resize-to-fit",
		"fields":      map[string]any{"caption": "Grüße, 日本 🎄"},
	}), "one.txt", "two.txt")
	created := try(client.CreateAssemblyWithBodyWithResponse(ctx, contentType, body)).JSON200
	status := try(client.GetAssemblyWithResponse(ctx, *created.AssemblyId)).JSON200
	uploads := []string{}
	for _, file := range *status.Uploads {
		uploads = append(uploads, *file.Name)
	}
	cancelled := try(client.CancelAssemblyWithResponse(ctx, *created.AssemblyId)).JSON200
	form := ready(map[string]any{"reparse_template": 0})
	replayed := try(client.ReplayAssemblyWithFormdataBodyWithResponse(ctx, crashed, form)).JSON200
	again := api.ReplayAssemblyNotificationForm(ready(map[string]any{}))
	notified := try(client.ReplayAssemblyNotificationWithFormdataBodyWithResponse(ctx, crashed, again)).JSON200
	form = ready(map[string]any{"reparse_template": 0})
	refused := try(client.ReplayAssemblyWithFormdataBodyWithResponse(ctx, *created.AssemblyId, form)).JSON400

	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"assembly_id": created.AssemblyId, "created": created.Ok, "status": status.Ok, "uploads": uploads,
		"cancelled": cancelled.Ok, "replayed": replayed.AssemblyId, "notified": notified.Ok,
		"error": refused.Error, "signed": signed, "vectors": vectors(readStatus, readRefusal),
	}))
}
