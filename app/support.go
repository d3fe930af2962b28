package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/doctor"
	"github.com/postern/postern/app/doctor/support"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// supportKey is the vault's name for the key that pseudonyms are made with, so
// that two bundles of one Postern can be laid side by side.
const supportKey = "support-key"

// mostKnown is how many conversations' names and ids are taken out by their
// value; long numbers go in any case.
const mostKnown = 1000

// Support examines everything and makes the texts of a bundle. It holds no
// message, and fails where a secret can't be read: what is not known can't be
// taken out.
func (a *App) Support(ctx context.Context) (api.Support, error) {
	private, err := a.private(ctx)
	if err != nil {
		return api.Support{}, err
	}
	var findings []api.Finding
	err = a.Doctor(ctx, func(x api.Examination) {
		if x.Finding != nil {
			findings = append(findings, *x.Finding)
		}
	})
	if err != nil {
		return api.Support{}, err
	}
	private.Secrets = a.vault.Secrets() // what was read in the meantime too
	mask := support.New(private)
	for i, f := range findings {
		if f.Account != "" { // the id may be too short to be taken out of a text
			name := a.accountName(mask, f.Account)
			findings[i].ID, findings[i].Account = strings.TrimSuffix(f.ID, string(f.Account))+name, platforms.AccountID(name)
		}
	}
	slices.SortStableFunc(findings, func(x, y api.Finding) int { return rank(x.State) - rank(y.State) })
	var files []support.File
	for name, v := range map[string]any{
		"doctor.json": findings, "system.json": a.system(), "accounts.json": a.accountFacts(mask),
		"settings.json": a.Settings(), "journal.json": a.journalFacts(), "notices.json": append([]api.Notice{}, a.Snapshot().Notices...),
	} {
		f, err := support.JSON(name, v)
		if err != nil {
			return api.Support{}, err
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(x, y support.File) int { return strings.Compare(x.Name, y.Name) })
	logs, err := support.Logs(a.o.Dir)
	if err != nil {
		return api.Support{}, &api.Error{Kind: platforms.Temporary, Text: "The log could not be read. Look who owns the data folder, then try again."}
	}
	out, err := support.Make(mask, append(files, logs)...)
	if err != nil {
		return api.Support{}, &api.Error{Kind: platforms.Rejected, Text: sentence(err.Error())}
	}
	return out, nil
}

// rank puts what matters first.
func rank(s api.Health) int {
	return slices.Index([]api.Health{api.Sick, api.Warned, api.Unclear, api.Healthy, api.Skipped}, s)
}

// private is everything that must not be in a bundle. Every secret is read for
// it: also those of accounts that are paused, or of another version's.
func (a *App) private(ctx context.Context) (support.Private, error) {
	records, err := a.store.Accounts()
	if err != nil {
		return support.Private{}, wireError(err)
	}
	for _, r := range records {
		names := []string{secretName(r.ID, ownKey)}
		for _, f := range r.Secrets {
			names = append(names, secretName(r.ID, f), formerName(r.ID, f))
		}
		for f := range r.Former {
			names = append(names, formerName(r.ID, f))
		}
		for _, n := range names {
			if _, err := a.vault.Get(ctx, n); err != nil && !errors.Is(err, vault.ErrNotFound) {
				a.log.Warn("no bundle: a secret can't be read", "err", err)
				return support.Private{}, &api.Error{Kind: platforms.Temporary, Text: "A secret could not be read, so it could not be taken out of the bundle, and none was made. Unlock the keyring, then try again."}
			}
		}
	}
	key, _, err := a.vault.Key(ctx, supportKey)
	if err != nil {
		return support.Private{}, &api.Error{Kind: platforms.Temporary, Text: "The keyring gave no key for the bundle's pseudonyms. Unlock it, then try again."}
	}
	p := support.Here(support.Private{Key: key[:], Data: a.o.Dir, Names: a.accountNames(records)})
	for _, d := range a.Exposure().Doors {
		if h := hostOf(d.Public); h != "" {
			p.Names = append(p.Names, support.Name{Kind: "host", Text: h})
		}
	}
	conversations, err := a.store.Conversations(mostKnown)
	if err != nil {
		return support.Private{}, wireError(err)
	}
	for _, c := range conversations {
		for _, text := range []string{string(c.ID), c.Title} {
			if len(text) >= 5 { // a shorter one stands in too many words
				p.Names = append(p.Names, support.Name{Kind: "conversation", Text: text, Of: string(c.ID)})
			}
		}
	}
	return p, nil
}

// accountNames is what accounts, their bots and their servers are called.
func (a *App) accountNames(records []store.Account) (out []support.Name) {
	for _, r := range records {
		for _, text := range []string{string(r.ID), r.Name, r.Identity.Name, r.Identity.Handle, string(r.Identity.ID), r.Identity.Link} {
			if !a.isPlatform(text) {
				out = append(out, support.Name{Kind: "account", Text: text, Of: string(r.ID)})
			}
		}
		for key, v := range r.Settings {
			if a.chosen(r.Platform, key) {
				continue
			}
			if u := settingURL(v); u != nil {
				if _, err := netip.ParseAddr(u.Hostname()); err != nil { // addresses are the mask's own business
					out = append(out, support.Name{Kind: "host", Text: u.Hostname()})
				}
			} else if len(v) >= 5 {
				out = append(out, support.Name{Kind: "setting", Text: v})
			}
		}
	}
	return out
}

// isPlatform reports whether s is what a platform is called: that tells nobody
// anything, and the bundle is of no use without it.
func (a *App) isPlatform(s string) bool {
	return slices.ContainsFunc(a.o.Platforms, func(p platforms.Platform) bool { return s == p.Name || s == p.Title })
}

// accountName is what an account is called in a bundle.
func (a *App) accountName(mask *support.Mask, id platforms.AccountID) string {
	if a.isPlatform(string(id)) {
		return string(id)
	}
	return mask.Pseudonym("account", string(id))
}

// chosen reports whether a setting's value is one of a list, and names nobody.
func (a *App) chosen(platform, key string) bool {
	p, _ := a.platform(platform)
	return slices.ContainsFunc(p.Fields, func(f platforms.Field) bool { return f.Key == key && len(f.Options) > 0 })
}

// accountFact is an account without whose it is.
type accountFact struct {
	Account    string         `json:"account"`
	Platform   string         `json:"platform"`
	Status     api.Status     `json:"status"`
	Note       string         `json:"note,omitempty"`
	Since      time.Time      `json:"since"`
	RetryAt    time.Time      `json:"retry_at,omitzero"`
	Hears      api.Light      `json:"hears"`
	Speaks     api.Light      `json:"speaks"`
	Answers    api.Light      `json:"answers"`
	Exposure   exposure.Level `json:"exposure"`
	Problems   []string       `json:"problems,omitempty"`
	Queued     int            `json:"queued"`
	Dead       int            `json:"dead"`
	Paused     bool           `json:"paused,omitempty"`
	Ephemeral  bool           `json:"ephemeral,omitempty"`
	SettingsOf []string       `json:"settings_set,omitempty"` // which, without their values
	SecretsOf  []string       `json:"secrets_set,omitempty"`
}

func (a *App) accountFacts(mask *support.Mask) []accountFact {
	out := []accountFact{}
	for _, v := range a.Snapshot().Accounts {
		f := accountFact{
			Account: a.accountName(mask, v.ID), Platform: v.Platform, Status: v.Status, Note: v.Note, Since: v.Since, RetryAt: v.RetryAt,
			Hears: v.Hears, Speaks: v.Speaks, Answers: v.Answers, Exposure: v.Exposure, Queued: v.Queued, Dead: v.Dead,
			Paused: v.Paused, Ephemeral: v.Ephemeral,
			SettingsOf: slices.Sorted(maps.Keys(v.Settings)), SecretsOf: slices.Sorted(maps.Keys(v.Secrets)),
		}
		for _, p := range v.Problems {
			f.Problems = append(f.Problems, p.Text)
		}
		out = append(out, f)
	}
	return out
}

func (a *App) system() support.System {
	s := support.ThisSystem()
	s.Made, s.Version, s.Started, s.Demo, s.Vault = a.now(), a.o.Version, a.started, a.o.Demo, a.vault.Describe()
	return s
}

// journalFact is the journal in figures.
type journalFact struct {
	Error   string    `json:"error,omitempty"`
	Bytes   int64     `json:"bytes"`
	Free    int64     `json:"free_bytes"`
	Entries int       `json:"entries"`
	Pending int       `json:"pending"`
	Queued  int       `json:"queued"`
	Dead    int       `json:"dead"`
	Held    int       `json:"held"`
	Unread  int       `json:"unread"`
	Oldest  time.Time `json:"oldest,omitzero"`
	Copied  time.Time `json:"copied,omitzero"`
}

func (a *App) journalFacts() journalFact {
	st, err := a.store.Stats()
	f := journalFact{Bytes: st.Bytes, Free: st.Free, Entries: st.Entries, Pending: st.Pending, Queued: st.Queued, Dead: st.Dead,
		Held: st.Held, Unread: st.Unread, Oldest: st.Oldest, Copied: doctor.NewestCopy(a.o.Dir)}
	if err != nil {
		f.Error = fmt.Sprint(err)
	}
	return f
}
