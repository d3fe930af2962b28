package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// Figures is the journal in figures.
type Figures struct {
	Bytes, Free, Most      int64 // file size, of it reusable, the bound; 0: none
	Entries                int
	Pending, Queued, Dead  int
	Oldest, Copied, Opened time.Time // of the oldest message, the newest copy, this start
}

// Ages of the newest copy. One is made every twelve hours.
const (
	copySettles = time.Hour
	copyWarns   = 48 * time.Hour
)

// Journal counts the journal, proves that it can be written, and looks when it
// was copied last.
func Journal(figures func() (Figures, error), write func(context.Context) error, now func() time.Time) Probe {
	return Probe{ID: "journal", Title: "Journal", Run: func(ctx context.Context) Result {
		f, err := figures()
		if err != nil {
			return Result{api.Sick, "The journal can't be read.", "Quit Postern and start it again: it looks for damage then, and takes the newest good copy."}
		}
		if err := write(ctx); err != nil {
			if ctx.Err() != nil {
				return late(ctx.Err())
			}
			return Result{api.Sick, "The journal can't be written. " + text.Sentence(err.Error()), "Make room on the disk and look who owns the data folder, then start Postern again."}
		}
		words := fmt.Sprintf("%d messages in %s, of it %s free for reuse.", f.Entries, text.Size(f.Bytes), text.Size(f.Free))
		at := now()
		switch {
		case f.Copied.IsZero() && at.Sub(f.Opened) > copySettles:
			return Result{api.Warned, words + " There is no copy of it.", "Look what the log says about copying, and whether the disk has room."}
		case !f.Copied.IsZero() && at.Sub(f.Copied) > copyWarns && at.Sub(f.Opened) > copyWarns:
			return Result{api.Warned, fmt.Sprintf("%s Its newest copy is of %s.", words, f.Copied.Local().Format("2 January 2006")), "Look what the log says about copying, and whether the disk has room."}
		case f.Most > 0 && f.Bytes > f.Most+f.Most/4:
			return Result{api.Warned, fmt.Sprintf("%s That is above the bound of %s.", words, text.Size(f.Most)), "It shrinks within some hours. If it does not, raise the bound under General, or look at the log."}
		case f.Copied.IsZero():
			return ok("%s The first copy is made soon.", words)
		}
		return ok("%s The newest copy is of %s.", words, f.Copied.Local().Format("2 January 2006, 15:04"))
	}}
}

// NewestCopy is when the journal in the data folder was copied last, zero if
// never.
func NewestCopy(dir string) (newest time.Time) {
	list, err := os.ReadDir(filepath.Join(dir, "snapshots"))
	if err != nil {
		return newest
	}
	for _, e := range list {
		if !strings.HasSuffix(e.Name(), ".db") {
			continue
		}
		if info, err := e.Info(); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest
}

// Notices repeats what the person was told and has not dismissed.
func Notices(list []api.Notice) Probe {
	return Probe{ID: "notices", Title: "Notices", Run: func(context.Context) Result {
		if len(list) == 0 {
			return ok("Nothing was noticed that was not dismissed.")
		}
		state := api.Healthy
		var texts []string
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].Bad {
				state = api.Warned
			}
			if len(texts) < 3 {
				texts = append(texts, list[i].Text)
			}
		}
		return Result{state, fmt.Sprintf("%d not dismissed. %s", len(list), strings.Join(texts, " ")), "Do what they say, then dismiss them on the page of the accounts."}
	}}
}

// Wake says when the accounts were reconnected last because this computer slept
// or its network changed.
func Wake(at time.Time, why string, started, now time.Time) Probe {
	return Probe{ID: "wake", Title: "Sleep and network changes", Run: func(context.Context) Result {
		if at.IsZero() {
			return ok("None since Postern started %s ago.", ago(now.Sub(started)))
		}
		return ok("The last one was %s ago (%s), and every account reconnected.", ago(now.Sub(at)), why)
	}}
}

// ago is d in words, to the minute.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}
