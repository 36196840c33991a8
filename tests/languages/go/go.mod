module transloadit.example/languages

go 1.24
