package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"transloadit.example/languages/api"
)

var signed [][2]string

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func open(name string) *os.File {
	file, err := os.Open(name)
	must(err)
	return file
}

func ready(params map[string]any) (string, string) {
	text, signature, err := sign(params, os.Getenv("TRANSLOADIT_KEY"), os.Getenv("TRANSLOADIT_SECRET"))
	must(err)
	signed = append(signed, [2]string{text, signature})
	return text, signature
}

func main() {
	config, ctx, crashed := api.NewConfiguration(), context.Background(), os.Getenv("CRASHED_ASSEMBLY")
	config.Servers = api.ServerConfigurations{{URL: os.Getenv("TRANSLOADIT_ENDPOINT")}}
	client := api.NewAPIClient(config)

	params, signature := ready(map[string]any{
		"template_id": "resize-to-fit",
		"fields":      map[string]any{"caption": "Grüße, 日本 🎄"},
	})
	files := []*os.File{open("one.txt"), open("two.txt")}
	created, _, err := client.AssembliesAPI.CreateAssembly(ctx).Params(params).Signature(signature).Files(files).Execute()
	must(err)
	status, _, err := client.AssembliesAPI.GetAssembly(ctx, created.GetAssemblyId()).Execute()
	must(err)
	uploads := []string{}
	for _, file := range status.Uploads {
		uploads = append(uploads, file.GetName())
	}
	cancelled, _, err := client.AssembliesAPI.CancelAssembly(ctx, created.GetAssemblyId()).Execute()
	must(err)
	params, signature = ready(map[string]any{"reparse_template": 0})
	replayed, _, err := client.AssembliesAPI.ReplayAssembly(ctx, crashed).Params(params).Signature(signature).Execute()
	must(err)
	params, signature = ready(map[string]any{})
	notified, _, err := client.AssemblyNotificationsAPI.ReplayAssemblyNotification(ctx, crashed).Params(params).Signature(signature).Execute()
	must(err)
	params, signature = ready(map[string]any{"reparse_template": 0})
	_, _, err = client.AssembliesAPI.ReplayAssembly(ctx, created.GetAssemblyId()).Params(params).Signature(signature).Execute()
	var refused *api.GenericOpenAPIError
	errors.As(err, &refused)
	refusal := refused.Model().(api.AssemblyError)

	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"assembly_id": created.GetAssemblyId(), "created": created.GetOk(), "status": status.GetOk(), "uploads": uploads,
		"cancelled": cancelled.GetOk(), "replayed": replayed.GetAssemblyId(), "notified": notified.GetOk(),
		"error": refusal.GetError(), "signed": signed, "vectors": vectors(readStatus, readRefusal),
	}))
}
