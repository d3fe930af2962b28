package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// ownKey names platforms.Config.Key in the vault; no Field has such a name.
const ownKey = "@key"

// secretName is where the vault keeps one secret of one account.
func secretName(id platforms.AccountID, field string) string {
	return "account/" + string(id) + "/" + field
}

// connector is the account's connector, built from its current values on first
// use.
func (c *account) connector(ctx context.Context) (platforms.Connector, error) {
	c.mu.Lock()
	conn, rec, built := c.conn, c.rec, c.built
	c.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	secrets, err := c.app.secrets(ctx, rec)
	if err != nil {
		return nil, err
	}
	former, err := c.app.former(ctx, rec)
	if err != nil {
		return nil, err
	}
	client := c.app.newClient()
	key, err := c.app.ownKey(ctx, c.platform, rec)
	if err != nil {
		return nil, err
	}
	err = c.guard(func() (err error) {
		conn, err = c.platform.New(c.app.config(c.platform, rec, secrets, former, key, client, c.log))
		return err
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil { // somebody else was faster
		return c.conn, nil
	}
	if c.built != built { // made of values that have changed since
		return nil, errChanged
	}
	c.conn, c.client, c.hints = conn, client, map[string]string{}
	for name, s := range secrets {
		c.hints[name] = s.Hint()
	}
	return conn, nil
}

// secrets reads an account's secrets from the vault.
func (a *App) secrets(ctx context.Context, rec store.Account) (map[string]platforms.Secret, error) {
	secrets := make(map[string]platforms.Secret, len(rec.Secrets))
	for _, name := range rec.Secrets {
		s, err := a.vault.Get(ctx, secretName(rec.ID, name))
		if err != nil {
			return nil, fmt.Errorf("the %s of %q: %w", name, rec.Name, err)
		}
		secrets[name] = s
	}
	return secrets, nil
}

// keptSecrets is secrets without those that are gone: they can be entered again.
func (a *App) keptSecrets(ctx context.Context, rec store.Account) (map[string]platforms.Secret, error) {
	secrets := make(map[string]platforms.Secret, len(rec.Secrets))
	for _, name := range rec.Secrets {
		s, err := a.vault.Get(ctx, secretName(rec.ID, name))
		if errors.Is(err, vault.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the %s of %q: %w", name, rec.Name, err)
		}
		secrets[name] = s
	}
	return secrets, nil
}

// ownKey is the account's platforms.Config.Key, made at its first use.
func (a *App) ownKey(ctx context.Context, p platforms.Platform, rec store.Account) (platforms.Secret, error) {
	if p.Reach(rec.Settings) == platforms.Dials {
		return platforms.Secret{}, nil
	}
	// Two that make one at the same time would call the account by two addresses.
	a.keys.Lock()
	defer a.keys.Unlock()
	name := secretName(rec.ID, ownKey)
	s, err := a.vault.Get(ctx, name)
	if errors.Is(err, vault.ErrNotFound) {
		s = platforms.NewSecret(rand.Text() + rand.Text())
		err = a.vault.Set(ctx, name, s)
	}
	if err != nil {
		return platforms.Secret{}, fmt.Errorf("the account's own key: %w", err)
	}
	return s, nil
}

func (a *App) config(p platforms.Platform, rec store.Account, secrets map[string]platforms.Secret, former map[string]platforms.Former, key platforms.Secret, client *http.Client, log *slog.Logger) platforms.Config {
	return platforms.Config{
		Account:  rec.ID,
		Settings: rec.Settings,
		Secrets:  secrets,
		Former:   former,
		HTTP:     client,
		Dial:     newDialer().DialContext,
		Proxy:    a.proxy.Proxy,
		Key:      key,
		Ingress:  a.ingress(p, rec),
		Log:      log,
	}
}

// ingress is how HTTP reaches an account of p. One that is not saved yet finds
// everything closed.
func (a *App) ingress(p platforms.Platform, rec store.Account) platforms.Ingress {
	if p.Reach(rec.Settings) == platforms.Dials {
		return nil
	}
	_, set := a.doors.setting(rec.ID)
	if !set && !a.relays.leadTo(rec.ID) && p.Reach(rec.Settings) == platforms.Callback {
		return nil // it works without
	}
	if c, err := a.account(rec.ID); err == nil {
		return doorway{a.doors, c}
	}
	return closedDoor{}
}

// closedDoor is the Ingress of an account for which nothing is open.
type closedDoor struct{}

// Serve is platforms.Ingress's. It refuses.
func (closedDoor) Serve(platforms.Route) (string, func(), error) { return "", nil, errClosed }

// Address is platforms.Ingress's. It refuses.
func (closedDoor) Address(string) (string, error) { return "", errClosed }

var errClosed = &platforms.Error{Kind: platforms.NotAcknowledged, Text: "This platform delivers messages only to an address on the internet. " +
	"Save the account, then set up a relay that takes them, or a listener under Exposure, and decide whether it opens."}

func newDialer() *net.Dialer {
	return &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
}

// newClient makes one account's HTTP client: its own connections, the person's
// proxy, and a bound on each step of connecting. There is no overall timeout:
// long polls and large files have their own deadlines.
func (a *App) newClient() *http.Client {
	return &http.Client{Transport: &witness{Transport: &http.Transport{
		Proxy:                 a.proxy.Proxy,
		DialContext:           newDialer().DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   16,
	}}}
}
