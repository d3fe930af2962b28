// Package app is Postern without a face: it keeps the accounts connected,
// journals what arrives, hands it to responders and sends the answers.
//
// The way of an event is inbox.go then deliver.go; the way of an answer is
// outbox.go. Everything that a person or program may ask of a running Postern
// is a method of App; package control serves them to other processes.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/proxy"
	"github.com/postern/postern/app/internal/redact"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// journalKey is the vault's name for the key that seals the journal.
const journalKey = "journal-key"

// grace is how long work in flight may take to finish at a stop. Together with
// closing the journal it stays below the five seconds that a service manager's
// patience is assumed to be.
const grace = 2 * time.Second

// App is a Postern. Make one with New; it does nothing until Run.
type App struct {
	o       Options
	log     *slog.Logger
	now     func() time.Time
	vault   *vault.Vault
	store   *store.Store
	proxy   proxy.Finder
	doors   *doors
	named   named
	hooking *hookDoor
	started time.Time

	work     context.Context // of deliveries and sends: outlives Run's by the grace
	stopWork context.CancelFunc
	inbound  *lanes
	outbound *lanes
	waiting  *lanes // what was begun and waits
	watchers sync.WaitGroup
	changes  broadcast
	revision atomic.Uint64

	precious chan struct{}      // a copy of the journal is wanted soon
	running  chan struct{}      // closed once Run has begun
	stop     context.CancelFunc // ends Run; set by Run

	tasks sync.WaitGroup // supervisors and upkeep

	mu       sync.Mutex
	ctx      context.Context // Run's
	accounts []*account      // in the order they were added
	settings api.Settings
	paused   bool // everything is
	notices  []api.Notice
	woke     time.Time // the accounts were last reconnected after sleep or a change of the network
	wokeWhy  string

	trying    sync.Map // seq → struct{}: sends begun by this run, their end not yet recorded
	claims    claims
	doubtful  sync.Map // seq → struct{}: the same, of an earlier run
	sealing   [32]byte // key of what is kept under a seal
	people    people
	answering answering
	relays    relays
	echoes    echoes
	leases    leases
	asks      asks
	inputs    inputs
	recorder  *recorder
	replays   replays
	turns     turns
	waits     waits
	registers registers
	memories  sync.Mutex // held while a responder's memory is changed
	keys      sync.Mutex // held while an account's own key is looked up or made

	gates  gates // conversations that the platform asked us to leave alone
	pace   *pacer
	sample chan string // the value by which the doctor tries the vault; whoever took it puts it back
}

// ErrRunning means that another Postern has the data folder.
var ErrRunning = store.ErrLocked

// New opens vault and journal and reads the accounts. It connects nothing.
//
// Its errors are sentences for the person. errors.Is(err, ErrRunning) tells a
// second start.
func New(ctx context.Context, o Options) (_ *App, err error) {
	if o.Log == nil {
		o.Log = slog.DiscardHandler
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, p := range o.Platforms {
		if p.Limits.Redelivery >= store.Remembers {
			return nil, fmt.Errorf("%s may deliver an event again after %s, and events are remembered for %s only", p.Title, p.Limits.Redelivery, store.Remembers)
		}
	}
	a := &App{
		o: o, now: o.Now, started: o.Now(), vault: o.Vault,
		running: make(chan struct{}), precious: make(chan struct{}, 1), settings: defaultSettings(), pace: newPacer(),
		sample: make(chan string, 1),
	}
	a.sample <- rand.Text()
	switch {
	case a.vault != nil:
	case o.Demo:
		a.vault = vault.Memory()
	default:
		if a.vault, err = vault.Open(ctx, o.Dir, vault.Options{Passphrase: o.Passphrase}); err != nil {
			return nil, err
		}
	}
	a.log = slog.New(redact.NewHandler(o.Log, a.vault.Secrets))
	key, _, err := a.vault.Key(ctx, journalKey)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the key of the journal can't be had: %w", err), a.closeVault())
	}
	st, recovery, err := store.Open(o.Dir, key, store.Options{Log: a.log, Now: o.Now})
	if err != nil {
		return nil, errors.Join(err, a.closeVault())
	}
	a.store = st
	a.work, a.stopWork = context.WithCancel(context.Background())
	a.inbound = newLanes(a.work, 256, a.deliver)
	a.outbound = newLanes(a.work, 256, a.drain)
	a.waiting = newLanes(a.work, 256, a.retry)
	if a.sealing, _, err = a.vault.Key(ctx, sealKey); err != nil {
		return nil, errors.Join(fmt.Errorf("the key of the settings can't be had: %w", err), a.Close())
	}
	if err := a.load(recovery); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	for _, open := range []func() error{
		func() error { return a.openPeople(ctx) },
		func() error { return a.openAnswering(ctx) },
		func() error { return a.openRelays(ctx) },
		a.openLeases,
		a.openHooks,
		func() error { return a.openInputs(ctx) },
		func() error { return a.openRegisters(ctx) },
	} {
		if err := open(); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	a.recorder = newRecorder(a)
	a.replays.slots = make(chan struct{}, replaysMost)
	if a.doors, err = a.openDoors(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if err := a.forgetGone(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// Log is the program's log, with secrets masked.
func (a *App) Log() *slog.Logger { return a.log }

// load reads settings, notices and accounts.
func (a *App) load(recovery store.Recovery) error {
	if _, err := a.store.Setting(settingSettings, &a.settings); err != nil {
		return err
	}
	if _, err := a.store.Setting(settingPaused, &a.paused); err != nil {
		return err
	}
	if _, err := a.store.Setting(settingNotices, &a.notices); err != nil {
		return err
	}
	if err := a.recallOr(settingClients, &a.named.book, "The programs that you named can't be trusted: they were changed by something other than Postern, and are not let in. Name them again."); err != nil {
		return err
	}
	if recovery.Text != "" {
		a.notice(context.Background(), "journal-recovery", true, recovery.Text)
	}
	records, err := a.store.Accounts()
	if err != nil {
		return err
	}
	for _, r := range records {
		p, ok := a.platform(r.Platform)
		if !ok {
			a.notice(context.Background(), "platform-"+r.Platform, true, fmt.Sprintf(
				"The account %q is for %s, which this version does not know. It is kept, and left alone.", r.Name, r.Platform))
			continue
		}
		a.accounts = append(a.accounts, newAccount(a, p, r))
	}
	if err := a.doubt(); err != nil {
		return err
	}
	return nil
}

// Run connects the accounts and works until ctx ends or Quit is called, then
// stops in order: no more events in, deliveries and sends in flight finish or
// are put back, the journal is closed. It is called once.
func (a *App) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.mu.Lock()
	a.ctx, a.stop = ctx, stop
	accounts := append([]*account(nil), a.accounts...)
	a.mu.Unlock()
	a.began(ctx)
	close(a.running)

	if err := a.resumeWaiting(); err != nil { // first: nothing may overtake it
		a.log.Error("what waits could not be counted", "err", err)
	}
	for _, acc := range accounts {
		a.supervise(acc)
	}
	for _, r := range a.relays.all() {
		a.superviseRelay(r)
	}
	if err := a.resumeWork(); err != nil {
		a.log.Error("the backlog could not be read", "err", err)
	}
	a.tasks.Go(func() { a.upkeep(ctx) })
	a.tasks.Go(func() { a.watchWake(ctx) })
	a.tasks.Go(func() { a.doors.run(ctx) })
	a.tasks.Go(func() { a.hooking.run(ctx) })
	a.tasks.Go(func() { a.recorder.run(ctx) })

	<-ctx.Done()
	a.log.Info("stopping")
	a.tasks.Wait()
	a.doors.close()
	a.recorder.flush()
	a.audit(ctx, "stopped", "postern", "", "Postern stopped.")
	a.anchor(ctx)
	late := time.AfterFunc(grace, a.stopWork)
	a.inbound.close()
	a.outbound.close()
	a.waiting.close()
	late.Stop()
	a.stopWork()
	a.closeResponders()
	a.turns.close()
	a.putBack()
	a.watchers.Wait()
	return errors.Join(a.store.Close(), a.closeVault())
}

// runContext is the context of Run, nil before that and once it ends.
func (a *App) runContext() context.Context {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx == nil || a.ctx.Err() != nil {
		return nil
	}
	return a.ctx
}

// Quit ends Run.
func (a *App) Quit() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stop != nil {
		a.stop()
	}
}

// Close releases an App that was never run.
func (a *App) Close() error {
	a.stopWork()
	a.closeResponders()
	a.turns.close()
	return errors.Join(a.store.Close(), a.closeVault())
}

// supervise starts the account's supervisor, unless it has one.
func (a *App) supervise(acc *account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !acc.unsaved {
		acc.beginLocked(acc.supervise)
	}
}

// resumeWork signals every lane that has work from an earlier run.
func (a *App) resumeWork() error {
	jobs, err := a.store.JobConversations()
	if err != nil {
		return err
	}
	for _, r := range jobs {
		a.inbound.signal(lane{r.Account, r.Conversation})
	}
	return a.resumeSends("")
}

// resumeSends signals the lanes with queued messages, of one account or all.
func (a *App) resumeSends(id platforms.AccountID) error {
	out, err := a.store.OutConversations()
	if err != nil {
		return err
	}
	for _, r := range out {
		if id == "" || r.Account == id {
			a.outbound.signal(lane{r.Account, r.Conversation})
		}
	}
	return nil
}

// changed makes watchers look again.
func (a *App) changed() {
	a.revision.Add(1)
	a.changes.signal()
}

// Watch sends when Snapshot would differ, coalesced, until ctx or the App ends.
func (a *App) Watch(ctx context.Context) <-chan struct{} {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(a.work, cancel)
	context.AfterFunc(ctx, func() { stop(); cancel() })
	return a.changes.watch(ctx, &a.watchers)
}

// closeVault closes the vault, unless it was lent.
func (a *App) closeVault() error {
	if a.o.Vault != nil {
		return nil
	}
	return a.vault.Close()
}

func (a *App) platform(name string) (platforms.Platform, bool) {
	for _, p := range a.o.Platforms {
		if p.Name == name {
			return p, true
		}
	}
	return platforms.Platform{}, false
}

// list is the accounts at this moment.
func (a *App) list() []*account {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*account(nil), a.accounts...)
}

// account finds one by its id; the error is for the person.
func (a *App) account(id platforms.AccountID) (*account, error) {
	for _, acc := range a.list() {
		if acc.id == id {
			return acc, nil
		}
	}
	return nil, &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("There is no account %q. The list of accounts shows the names.", id)}
}
