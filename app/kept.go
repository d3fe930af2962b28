package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

// sealKey names the key of what is kept under a seal in the vault.
const sealKey = "settings-key"

// kept is a setting that decides who may do what. Another program that writes
// into the journal's file must not be able to make one: it carries a seal, for
// which the key is in the vault.
type kept struct {
	Value json.RawMessage `json:"value"`
	Seal  []byte          `json:"seal"`
}

// errForged says that a kept setting was not written by this Postern.
var errForged = errors.New("it was changed by something other than Postern")

// keep writes a setting under a seal.
func (a *App) keep(ctx context.Context, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write down %s: %w", name, err)
	}
	return a.store.PutSetting(context.WithoutCancel(ctx), name, kept{b, a.seal(name, b)})
}

// recall reads what keep wrote.
func (a *App) recall(name string, into any) (found bool, err error) {
	var k kept
	found, err = a.store.Setting(name, &k)
	if !found || err != nil {
		return false, err
	}
	if !hmac.Equal(k.Seal, a.seal(name, k.Value)) {
		return false, errForged
	}
	return true, json.Unmarshal(k.Value, into)
}

func (a *App) seal(name string, value []byte) []byte {
	h := hmac.New(sha256.New, a.sealing[:])
	fmt.Fprintf(h, "%d %s\n", len(name), name)
	h.Write(value)
	return h.Sum(nil)
}

// recallOr reads a kept setting; one that can't be trusted is told, and left
// out. lost says what that means.
func (a *App) recallOr(name string, into any, lost string) error {
	_, err := a.recall(name, into)
	if errors.Is(err, errForged) || isShape(err) {
		a.notice(context.Background(), "kept-"+name, true, lost)
		return nil
	}
	return err
}

// isShape reports whether err is of a value that can't be read.
func isShape(err error) bool {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	return errors.As(err, &syntax) || errors.As(err, &kind)
}
