package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// auditAnchor is the vault's name for the number and hash of a line of the audit
// record. The journal could be replaced by an older copy of itself; the vault
// would not follow.
const auditAnchor = "audit-anchor"

// audit appends a line to the audit record, and to the activity. What was done
// is not undone for want of a line: that it is missing is logged.
func (a *App) audit(ctx context.Context, what, who string, id platforms.AccountID, text string) {
	if err := a.mustAudit(ctx, what, who, id, text); err != nil {
		a.log.Error("a line of the audit record was lost", "what", what, "err", err)
		a.record(ctx, store.Activity{What: what, Account: id, Who: cmp.Or(who, control.Who(ctx), "postern"), Why: text})
	}
}

// mustAudit is audit for what is not done without a line.
func (a *App) mustAudit(ctx context.Context, what, who string, id platforms.AccountID, text string) error {
	ctx = context.WithoutCancel(ctx)
	who = cmp.Or(who, control.Who(ctx), "postern")
	if _, err := a.store.Append(ctx, store.Audit{At: a.now(), What: what, Who: who, Account: id, Text: text}); err != nil {
		return err
	}
	a.record(ctx, store.Activity{What: what, Account: id, Who: who, Why: text})
	return nil
}

// began records a start, and looks whether the audit record is the one that it
// was when Postern last ran.
func (a *App) began(ctx context.Context) {
	why, err := a.auditGone(ctx)
	if err != nil {
		a.log.Warn("the audit record could not be compared with what the vault knows of it", "err", err)
	}
	if why != "" {
		a.audit(ctx, "alarm", "postern", "", why)
		a.notice(ctx, "audit", true, why)
	}
	a.audit(ctx, "started", "postern", "", "Postern "+a.o.Version+" started.")
	a.anchor(ctx)
}

// auditGone is what is wrong with the record, in words; empty if nothing is.
func (a *App) auditGone(ctx context.Context) (string, error) {
	s, err := a.vault.Get(ctx, auditAnchor)
	if errors.Is(err, vault.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	number, hash, ok := strings.Cut(s.Reveal(), ":")
	seq, bad := strconv.ParseUint(number, 10, 64)
	if !ok || bad != nil {
		return "", errors.New("the vault's word on it can't be read")
	}
	lines, err := a.store.Audits(seq+1, 1)
	if err != nil {
		return "", err
	}
	if len(lines) == 1 && lines[0].Seq == seq && lines[0].Hash == hash {
		return "", nil
	}
	if len(lines) == 1 && lines[0].Seq > seq { // shortened since
		return "", nil
	}
	return fmt.Sprintf("The audit record is not the one that was here before: line %d is missing or another. The journal was replaced by another or an older one, or edited.", seq), nil
}

// anchor tells the vault where the record is now.
func (a *App) anchor(ctx context.Context) {
	lines, err := a.store.Audits(0, 1)
	if err == nil && len(lines) == 1 {
		err = a.vault.Set(context.WithoutCancel(ctx), auditAnchor, platforms.NewSecret(fmt.Sprintf("%d:%s", lines[0].Seq, lines[0].Hash)))
	}
	if err != nil {
		a.log.Warn("the vault could not be told where the audit record is", "err", err)
	}
}

// Audit is lines before seq before (0: the newest), newest first.
func (a *App) Audit(ctx context.Context, before uint64, limit int) (api.AuditPage, error) {
	st, err := a.store.VerifyAudit(ctx)
	if err != nil {
		return api.AuditPage{}, wireError(err)
	}
	lines, err := a.store.Audits(before, limit)
	if err != nil {
		return api.AuditPage{}, wireError(err)
	}
	p := api.AuditPage{State: api.AuditState{Lines: st.Lines, First: st.First, Last: st.Last, Broken: st.Broken, Why: st.Why}, Lines: []api.Audit{}}
	for _, l := range lines {
		p.Lines = append(p.Lines, api.Audit{Seq: l.Seq, At: l.At, What: l.What, Account: l.Account, Who: l.Who, Text: l.Text, Hash: l.Hash})
	}
	return p, nil
}

// ExportAudit writes the whole record, a line of JSON each, oldest first.
func (a *App) ExportAudit(ctx context.Context, w io.Writer) error {
	return wireErrorOrNil(a.store.ExportAudit(ctx, w))
}
