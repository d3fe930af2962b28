//go:build interop

package interop

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu/feishutest"
)

const (
	feishuCrypt = "Hq2mZ8vKx4TfLr7WbNc9Yd3PsJg6EuAo"
	feishuToken = "v7XkQw2LmZr9TbHc4NfPs8YdJg3EuAoK"
)

var feishuPort = regexp.MustCompile(`lark: listens (\d+)`)

// TestFeishuNodeHTTP has a server written with the platform's own client take
// what our emulator sends by HTTP: it checks the signatures and decrypts.
func TestFeishuNodeHTTP(t *testing.T) {
	s, err := feishutest.New(feishuApp, feishuSecret)
	must(t, err)
	defer s.Close()
	out := talk(t, []string{"ENCRYPT_KEY=" + feishuCrypt, "VERIFICATION_TOKEN=" + feishuToken}, "feishu-http.mjs")
	defer out.kill()
	ctx := soon(t)
	until := func(words string) {
		t.Helper()
		for !strings.Contains(out.String(), words) {
			if ctx.Err() != nil {
				t.Fatalf("the transcript lacks %q\n%s", words, out.stderr.String())
			}
			time.Sleep(5 * time.Millisecond) // it is another program's output
		}
	}
	until("lark: listens")
	address := "http://127.0.0.1:" + feishuPort.FindStringSubmatch(out.String())[1] + "/feishu"
	s.SetHTTP(feishutest.HTTP{EncryptKey: feishuCrypt, Token: feishuToken})
	for _, signed := range []bool{false, true} {
		must(t, s.SaveURL(address, signed))
	}
	s.Say(feishutest.Group, feishutest.Person, "deploy? 😀 <b>&+/")
	must(t, s.WaitAll(ctx))
	until(`heard "deploy? 😀 <b>&+/" in group`)

	if id := feishuCard(t, ctx, s); !s.Click(string(id), "Yes", feishutest.Person) {
		t.Fatal("there is no button")
	}
	must(t, s.WaitAll(ctx))
	if toasts := s.Toasts(); len(toasts) != 1 || toasts[0] != "noted" {
		t.Errorf("the click was answered with %q", toasts)
	}
	s.Say(feishutest.Direct, feishutest.Person, "bye")
	out.wait()
	if s.Failed() != 0 || strings.Contains(out.String(), "ERROR") {
		t.Errorf("%d requests failed", s.Failed())
	}
}

// feishuCard has our connector send the card whose button is pressed.
func feishuCard(t *testing.T, ctx context.Context, s *feishutest.Server) platforms.MessageID {
	t.Helper()
	conn := connectFeishu(t, s.URL(), feishuApp, feishuSecret)
	id, err := conn.Send(ctx, platforms.Message{Key: "1", Conversation: feishutest.Group, Text: "Deploy?",
		Buttons: [][]platforms.Button{{{Label: "Yes", Data: "deploy:yes"}}}})
	must(t, err)
	return id
}
