package guard

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// Consent is a person's acknowledgement of one public listener, as it is kept.
// It holds for exactly the account, address, port, paths and public host that
// it names, until its end, and only under the seal of a key that the vault keeps
// for it alone: editing the journal forges none, and an old journal put back in
// place revives none that was revoked since, because its key is gone.
type Consent struct {
	Account platforms.AccountID `json:"account"`
	Bind    netip.AddrPort      `json:"bind"`
	Paths   []string            `json:"paths"`
	Host    string              `json:"host"`
	Rules   string              `json:"rules"`   // as in Tuple
	Version int                 `json:"version"` // of the text that was shown
	Made    time.Time           `json:"made"`
	Ends    time.Time           `json:"ends"`
	By      string              `json:"by"`
	Done    []string            `json:"done,omitempty"`
	NotDone []string            `json:"not_done,omitempty"`
	Seal    []byte              `json:"seal"`
}

// sign is the seal of c under key.
func (c Consent) sign(key platforms.Secret) []byte {
	c.Seal = nil
	b, err := json.Marshal(c)
	if err != nil { // its fields always encode
		return nil
	}
	h := hmac.New(sha256.New, []byte(key.Reveal()))
	h.Write([]byte("postern acknowledgement 1\x00"))
	h.Write(b)
	return h.Sum(nil)
}

// covers reports whether c is about t.
func (c Consent) covers(t Tuple) bool {
	return c.Account == t.Account && c.Bind == t.Bind && c.Host == t.Host && c.Rules == t.Rules && slices.Contains(c.Paths, t.Path)
}

// standing is why c does not hold at a time; empty where it does.
func (c Consent) standing(now time.Time) string {
	switch {
	case c.Version != Version:
		return "the text that was acknowledged is out of date"
	case !now.Before(c.Ends):
		return "its acknowledgement has ended"
	case now.Before(c.Made.Add(-time.Hour)):
		return "its acknowledgement lies in the future: the clock was set back"
	case c.Ends.Sub(c.Made) > Longest:
		return "its acknowledgement lasts longer than any may"
	}
	return ""
}

// Keys is where the seals' keys are; *vault.Vault is one.
type Keys interface {
	Get(ctx context.Context, name string) (platforms.Secret, error)
	Set(ctx context.Context, name string, s platforms.Secret) error
	Delete(ctx context.Context, name string) error
}

// Records is where consents are; *store.Store is one.
type Records interface {
	Setting(key string, into any) (bool, error)
	PutSetting(ctx context.Context, key string, v any) error
}

const recordName = "acknowledgements"

func keyName(id platforms.AccountID) string { return "acknowledgement/" + string(id) }

// load reads what was acknowledged before. What does not bear its seal is
// dropped and told.
func (g *Guard) load(ctx context.Context) error {
	var kept map[platforms.AccountID]Consent
	if _, err := g.o.Records.Setting(recordName, &kept); err != nil {
		return fmt.Errorf("read the acknowledgements: %w", err)
	}
	now, before := g.o.Now(), len(kept)
	for id, c := range kept {
		key, err := g.o.Keys.Get(ctx, keyName(id))
		if err != nil && !errors.Is(err, vault.ErrNotFound) {
			g.o.Log.Error("the key of an acknowledgement could not be read", "account", string(id), "err", err)
			g.o.Tell(Event{What: Revoked, Account: id, Text: "An acknowledgement can't be checked, because the keyring does not give its key. It counts for nothing; what it was for stays closed. Look at Exposure and decide again."})
			delete(kept, id)
			continue
		}
		if err != nil || key.IsZero() || c.Account != id || !hmac.Equal(c.Seal, c.sign(key)) {
			g.o.Tell(Event{What: Alarm, Account: id, Text: "An acknowledgement in the journal does not bear the seal that the keyring has for it. It counts for nothing; what it was for stays closed. " +
				"Somebody may have edited or replaced the journal."})
			delete(kept, id)
			continue
		}
		if why := c.standing(now); why != "" {
			g.o.Tell(Event{What: Revoked, Account: id, Text: "An acknowledgement counts no longer: " + why + "."})
			_ = g.o.Keys.Delete(ctx, keyName(id))
			delete(kept, id)
			continue
		}
		g.consents[id] = c
	}
	if len(kept) == before {
		return nil
	}
	if err := g.save(ctx); err != nil { // what was dropped is dropped again the next time
		g.o.Log.Error("dropped acknowledgements could not be removed from the journal", "err", err)
	}
	return nil
}

// save keeps what is acknowledged now.
func (g *Guard) save(ctx context.Context) error {
	g.saving.Lock()
	defer g.saving.Unlock()
	g.mu.Lock()
	kept := make(map[platforms.AccountID]Consent, len(g.consents))
	for id, c := range g.consents {
		kept[id] = c
	}
	g.mu.Unlock()
	if err := g.o.Records.PutSetting(ctx, recordName, kept); err != nil {
		return fmt.Errorf("keep the acknowledgements: %w", err)
	}
	return nil
}

// Consent is the account's acknowledgement that holds, if it has one.
func (g *Guard) Consent(id platforms.AccountID) (Consent, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok := g.consents[id]
	return c, ok && c.standing(g.o.Now()) == ""
}

// Acknowledge keeps c, which a person has just given, under a fresh seal.
func (g *Guard) Acknowledge(ctx context.Context, c Consent) error {
	c.Version, c.Made = Version, g.o.Now().UTC()
	c.Ends = c.Ends.UTC()
	if why := c.standing(c.Made); why != "" || c.Host == "" || len(c.Paths) == 0 || !c.Bind.IsValid() {
		return errors.Join(errors.New("this acknowledgement can't be kept"), errors.New(why))
	}
	if err := g.keep(ctx, &c); err != nil {
		g.judge()
		return err
	}
	g.o.Tell(Event{Acknowledged, c.Account, fmt.Sprintf("A public listener was acknowledged at the %s: %s %s, published as %s, until %s.",
		c.By, c.Bind, strings.Join(c.Paths, " "), c.Host, c.Ends.Format("2006-01-02 15:04 MST")), true, c.By})
	g.judge()
	return nil
}

// making is an acknowledgement that is not kept yet.
type making struct {
	account platforms.AccountID
	spoiled bool // taken back before it counted
}

// spoilLocked takes back the acknowledgement under way if it is id's, or anyone's
// where id is empty; g.mu is held.
func (g *Guard) spoilLocked(id platforms.AccountID) {
	if m := g.making; m != nil && (id == "" || m.account == id) {
		m.spoiled = true
	}
}

// keep seals and keeps c, unless it is taken back meanwhile: the vault may ask
// the person, and what they closed in that time stays closed.
func (g *Guard) keep(ctx context.Context, c *Consent) error {
	g.keeping.Lock()
	defer g.keeping.Unlock()
	m := &making{account: c.Account}
	g.mu.Lock()
	g.making = m
	g.mu.Unlock()
	key := platforms.NewSecret(rand.Text() + rand.Text())
	err := g.o.Keys.Set(ctx, keyName(c.Account), key)
	g.mu.Lock()
	g.making = nil
	switch {
	case err != nil:
		g.mu.Unlock()
		return fmt.Errorf("the key that seals the acknowledgement can't be kept: %w", err)
	case m.spoiled:
		g.mu.Unlock()
		_ = g.o.Keys.Delete(context.WithoutCancel(ctx), keyName(c.Account))
		return &platforms.Error{Kind: platforms.NotAcknowledged, Err: ErrNotAcknowledged, Text: "It was closed while your answer was being kept, so it stays closed. Open the question again if you want it open."}
	}
	c.Seal = c.sign(key)
	g.consents[c.Account] = *c // an earlier one ends: its key is overwritten
	g.mu.Unlock()
	if err = g.save(ctx); err == nil {
		return nil
	}
	g.mu.Lock()
	delete(g.consents, c.Account)
	g.mu.Unlock()
	_ = g.o.Keys.Delete(context.WithoutCancel(ctx), keyName(c.Account))
	return err
}

// Amend seals the account's acknowledgement anew for other rules, which the
// person has just set. It does nothing where there is none.
func (g *Guard) Amend(ctx context.Context, id platforms.AccountID, rules string) error {
	g.keeping.Lock() // so that the key is the one that seals what is amended
	defer g.keeping.Unlock()
	g.mu.Lock()
	c, ok := g.consents[id]
	g.mu.Unlock()
	if !ok || c.Rules == rules {
		return nil
	}
	key, err := g.o.Keys.Get(ctx, keyName(id))
	if err != nil {
		return fmt.Errorf("the key that seals the acknowledgement can't be had: %w", err)
	}
	c.Rules = rules
	c.Seal = c.sign(key)
	g.mu.Lock()
	if _, still := g.consents[id]; still { // taken back meanwhile otherwise
		g.consents[id] = c
	}
	g.mu.Unlock()
	return g.save(ctx)
}

// Revoke ends the account's acknowledgement and closes what stood open by it,
// at once; then it is forgotten for good. The error says that it may come back
// with a restart.
func (g *Guard) Revoke(ctx context.Context, id platforms.AccountID, why string) error {
	g.mu.Lock()
	_, had := g.consents[id]
	delete(g.consents, id)
	g.spoilLocked(id)
	g.mu.Unlock()
	g.judgeFor(why)
	if !had {
		return nil
	}
	g.o.Tell(Event{Revoked, id, "An acknowledgement was taken back: " + why + ".", true, ""})
	return g.forget(ctx, id)
}

// forget removes an acknowledgement's key and record: either alone suffices. One
// that was given again since has overwritten the key, and keeps its own.
func (g *Guard) forget(ctx context.Context, ids ...platforms.AccountID) error {
	ctx = context.WithoutCancel(ctx)
	g.keeping.Lock()
	defer g.keeping.Unlock()
	var noKey error
	for _, id := range ids {
		g.mu.Lock()
		_, again := g.consents[id]
		g.mu.Unlock()
		if again {
			continue
		}
		noKey = errors.Join(noKey, g.o.Keys.Delete(ctx, keyName(id)))
	}
	if err := g.save(ctx); err != nil && noKey != nil {
		return errors.Join(err, noKey)
	}
	return nil
}
