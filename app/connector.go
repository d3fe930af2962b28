package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

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
	client := newClient()
	err = c.guard(func() (err error) {
		conn, err = c.platform.New(c.app.config(rec, secrets, client, c))
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

func (a *App) config(rec store.Account, secrets map[string]platforms.Secret, client *http.Client, c *account) platforms.Config {
	log := a.log
	if c != nil {
		log = c.log
	}
	return platforms.Config{
		Account:  rec.ID,
		Settings: rec.Settings,
		Secrets:  secrets,
		HTTP:     client,
		Dial:     newDialer().DialContext,
		Log:      log,
	}
}

func newDialer() *net.Dialer {
	return &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
}

// newClient makes one account's HTTP client: its own connections, the proxy
// that the environment names, and a bound on each step of connecting. There is
// no overall timeout: long polls and large files have their own deadlines.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           newDialer().DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   16,
	}}
}
