package control_test

import (
	"context"
	"errors"
	"testing"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/control/controltest"
)

func TestDoctorStreams(t *testing.T) {
	b := controltest.New()
	goOn := make(chan struct{})
	b.Wait = func(ctx context.Context, call string) {
		if call == "Doctor" && len(b.Calls()) > 0 {
			select {
			case <-goOn:
			case <-ctx.Done():
			}
		}
	}
	dir, _, stop, err := controltest.Start(b, control.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	c := client.New(dir)
	defer c.Close()
	var got []api.Examination
	err = c.Doctor(t.Context(), func(x api.Examination) {
		got = append(got, x)
		if len(got) == 2 { // it came while the second check still runs
			close(goOn)
		}
	})
	if err != nil || len(got) != 4 || len(got[0].Checks) != 2 || got[1].Finding == nil || got[1].Finding.ID != "clock" || !got[3].Done {
		t.Errorf("%v: %+v", err, got)
	}
}

// held is a Backend whose second check lasts until its context ends.
func held(t *testing.T) (b *controltest.Backend, ended chan error) {
	t.Helper()
	b, ended = controltest.New(), make(chan error, 1)
	b.Wait = func(ctx context.Context, call string) {
		if call == "Doctor" && len(b.Calls()) > 0 {
			<-ctx.Done()
			ended <- ctx.Err()
		}
	}
	return b, ended
}

func TestAnExaminationEndsWithItsClient(t *testing.T) {
	b, ended := held(t)
	dir, _, stop, err := controltest.Start(b, control.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	c := client.New(dir)
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = c.Doctor(ctx, func(x api.Examination) {
		if x.Finding != nil {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := <-ended; err == nil {
		t.Error("it went on")
	}
}

func TestAnExaminationEndsWithPostern(t *testing.T) {
	b, ended := held(t)
	dir, _, stop, err := controltest.Start(b, control.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := client.New(dir)
	defer c.Close()
	stopped := make(chan error, 1)
	err = c.Doctor(t.Context(), func(x api.Examination) {
		if x.Finding != nil {
			go func() { stopped <- stop() }()
		}
	})
	var told *api.Error
	if !errors.As(err, &told) {
		t.Errorf("a broken examination passed for a whole one: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("it went on")
	}
}
