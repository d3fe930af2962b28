package webhook_test

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/webhook"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

const secret = "7a1f0c5e9b3d48627a1f0c5e9b3d4862"

func TestContract(t *testing.T) { platformtest.Run(t, harness()) }

func TestFaults(t *testing.T) { platformtest.Faults(t, harness()) }

func harness() platformtest.Harness {
	return platformtest.Harness{
		Platform:  webhook.Platform(),
		Server:    "github.com/postern/postern/platforms/webhook/webhooktest",
		New:       newWorld,
		NoCursor:  true,
		OnlyHears: true,
	}
}

// account is the Config of an account that takes service's requests, which come
// through in.
func account(service webhooktest.Service, secret string, in platforms.Ingress) platforms.Config {
	c := platforms.Config{
		Settings: map[string]string{"sender": string(service)},
		Secrets:  map[string]platforms.Secret{"secret": platforms.NewSecret(secret)},
		Key:      platforms.NewSecret("a key that is random for every account"),
		Ingress:  in,
	}
	if service == webhooktest.Plain {
		c.Settings["header"] = "x-signature"
	}
	return c
}

// newWorld is that of a sender whose words are shown as they are: the suite looks
// for them again.
func newWorld(t *testing.T) *platformtest.World {
	in := ingresstest.New()
	s := webhooktest.New(webhooktest.Plain, webhooktest.Form{}, secret)
	s.Through(in)
	config := account(webhooktest.Plain, secret, in)
	config.Settings["event"] = "/id"
	var n atomic.Int64
	push := func(said platformtest.Said) webhooktest.Push {
		id := fmt.Sprint("evt_", n.Add(1))
		body, err := json.Marshal(map[string]any{"id": id, "text": said.Text, "time": s.Now().UTC().Format(time.RFC3339)})
		must(t, err)
		return webhooktest.Push{ID: id, Body: body}
	}
	return &platformtest.World{
		Config: config,
		Bot:    "plain", Person: "plain", // nobody is named
		Direct: "webhook", Nowhere: "nowhere",

		Say: func(said platformtest.Said) platforms.MessageID {
			if said.Own { // a sender has nothing of its own
				return "id:none"
			}
			p := push(said)
			s.Push(p)
			return platforms.MessageID("id:" + p.ID)
		},
		Odd: func() {
			s.Once(webhooktest.Push{Body: []byte(`{"telepathy":{"thought":null},"id":` + fmt.Sprint(n.Add(1)) + `}`)})
		},
		Redeliver: s.Redeliver,
		Acked: func() (ids []platforms.MessageID) {
			for _, id := range s.Acked() {
				ids = append(ids, platforms.MessageID("id:"+id))
			}
			return ids
		},
		Down: s.Down, Up: s.Up,
		Garbage: func() { s.Once(webhooktest.Push{Body: []byte("{\"a\":\xff\x00[[[")}) },
		Swap:    func(first, second platformtest.Said) { a, b := push(first), push(second); s.Push(b, a) },
		Skew:    s.Skew,
		Advance: func(time.Duration) {}, // it tries again several times a second
		Close:   s.Close,
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
