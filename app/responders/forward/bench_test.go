package forward

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/postern/postern/app/responders/wire"
)

// What forwarding costs: by the responder, signed and answered, and by net/http
// alone. One after the other, then four at once.
func BenchmarkForward(b *testing.B) {
	url := serve(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "taken")
	})
	d := delivery("a message of the usual length, or thereabouts")
	r := build(b, url, Options{})
	body, err := wire.Of(d).JSON()
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	b.Cleanup(client.CloseIdleConnections)
	ways := map[string]func() error{
		"responder": func() error { _, err := r.Respond(context.Background(), d); return err },
		"bare": func() error {
			res, err := client.Post(url, "application/json", bytes.NewReader(body))
			if err != nil {
				return err
			}
			defer res.Body.Close()
			_, err = io.ReadAll(res.Body)
			return err
		},
	}
	for _, name := range []string{"responder", "bare"} {
		one := ways[name]
		b.Run(name+"/one", func(b *testing.B) {
			for b.Loop() {
				if err := one(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/four", func(b *testing.B) {
			b.SetParallelism(2) // on two processors: four
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := one(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
