package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/doctor"
	"github.com/postern/postern/app/doctor/support"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
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
		if strings.HasPrefix(f.Text, doctor.FailedLast) {
			findings[i].Text = doctor.FailedLast + "What it said is left out: it may hold messages."
		}
		if f.Account != "" { // the id may be too short to be taken out of a text
			name := a.accountName(mask, f.Account)
			findings[i].ID, findings[i].Account = strings.TrimSuffix(f.ID, string(f.Account))+name, platforms.AccountID(name)
		}
	}
	slices.SortStableFunc(findings, func(x, y api.Finding) int { return rank(x.State) - rank(y.State) })
	var files []support.File
	for name, v := range map[string]any{
		"doctor.json": findings, "system.json": a.system(), "accounts.json": a.accountFacts(mask),
		"settings.json": a.Settings(), "journal.json": a.journalFacts(), "answers.json": a.answerFacts(), "notices.json": append([]api.Notice{}, a.Snapshot().Notices...),
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
		return api.Support{}, &api.Error{Kind: platforms.Rejected, Text: text.Sentence(err.Error())}
	}
	return out, nil
}

// rank puts what matters first.
func rank(s api.Health) int {
	return slices.Index([]api.Health{api.Sick, api.Warned, api.Unclear, api.Healthy, api.Skipped}, s)
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
		f.Answers.Note = "" // of a responder: it may hold messages
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

// answerFact is what answers and who may talk, without what and who.
type answerFact struct {
	Responders []responderFact `json:"responders"`
	Routes     []routeFact     `json:"routes"`
	Rules      int             `json:"rules"`
	Ignored    int             `json:"ignored"`
	Open       int             `json:"open_places"`
	Claims     int             `json:"claims"`
	Clients    int             `json:"clients"`
}

type responderFact struct {
	Responder  string    `json:"responder"`
	Kind       string    `json:"kind"`
	Builtin    bool      `json:"builtin,omitempty"`
	Off        bool      `json:"off,omitempty"`
	Problem    string    `json:"problem,omitempty"`
	Failed     bool      `json:"failed,omitempty"` // without what it said
	Waiting    int       `json:"waiting,omitempty"`
	Working    int       `json:"working,omitempty"`
	Last       time.Time `json:"last,omitzero"`
	SettingsOf []string  `json:"settings_set,omitempty"`
	SecretsOf  []string  `json:"secrets_set,omitempty"`
}

type routeFact struct {
	Route string   `json:"route"`
	To    []string `json:"to"`
	Off   bool     `json:"off,omitempty"`
	Also  bool     `json:"also,omitempty"`
	Asks  bool     `json:"has_condition"`
}

func (a *App) answerFacts() answerFact {
	people := a.People()
	f := answerFact{Responders: []responderFact{}, Routes: []routeFact{}, Rules: len(people.Rules), Ignored: len(people.Ignored), Open: len(people.Open), Claims: len(people.Claims), Clients: len(a.Clients())}
	for _, r := range a.Responders() {
		f.Responders = append(f.Responders, responderFact{Responder: r.ID, Kind: r.Kind, Builtin: r.Builtin, Off: r.Off,
			Problem: r.Problem, Failed: r.Error != "", Waiting: r.Waiting, Working: r.Working, Last: r.Last,
			SettingsOf: slices.Sorted(maps.Keys(r.Settings)), SecretsOf: slices.Sorted(maps.Keys(r.Secrets))})
	}
	for _, r := range a.Routes().Routes {
		f.Routes = append(f.Routes, routeFact{Route: r.ID, To: r.To, Off: r.Off, Also: r.Also, Asks: r.When != ""})
	}
	return f
}
