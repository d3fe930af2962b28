package controltest

import (
	"context"

	"github.com/postern/postern/app/control/api"
)

// Examined are the findings that Doctor makes, unless Findings says otherwise.
func Examined() []api.Finding {
	return []api.Finding{
		{ID: "clock", Title: "Clock", State: api.Healthy, Text: "This computer's clock agrees with the accounts' servers."},
		{ID: "disk", Title: "Disk space", State: api.Warned, Text: "812.0 MB are free where the data folder is.", Do: "Make room on the disk."},
	}
}

// Bundle is what Support gives.
func Bundle() api.Support {
	return api.Support{
		Files:  []api.SupportFile{{Name: "doctor.json", Text: "[]\n"}, {Name: "postern.log", Text: "level=INFO msg=started token=[secret]\n"}},
		Masked: []api.Masked{{What: "secrets", Count: 1}},
	}
}

// Doctor makes the findings, one after the other.
func (b *Backend) Doctor(ctx context.Context, tell func(api.Examination)) error {
	found := b.Findings
	if found == nil {
		found = Examined()
	}
	var checks []api.Finding
	for _, f := range found {
		checks = append(checks, api.Finding{ID: f.ID, Title: f.Title, Account: f.Account})
	}
	tell(api.Examination{Checks: checks})
	for _, f := range found {
		if err := b.call(ctx, "Doctor", f.ID); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		tell(api.Examination{Finding: &f})
	}
	tell(api.Examination{Done: true})
	return nil
}

// Support gives Bundle.
func (b *Backend) Support(ctx context.Context) (api.Support, error) {
	return Bundle(), b.call(ctx, "Support")
}
