package cli_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/cli"
)

func TestSampleAgentIsThereAndNotListed(t *testing.T) {
	var out bytes.Buffer
	o := cli.Options{In: strings.NewReader("hello"), Out: &out, Err: &out,
		SampleAgent: func(_ context.Context, in io.Reader, out io.Writer) error {
			_, err := io.Copy(out, in)
			return err
		}}
	if code := cli.Execute(t.Context(), o, []string{"sample-agent"}); code != cli.OK || out.String() != "hello" {
		t.Errorf("code %d, %q", code, out.String())
	}
	out.Reset()
	if cli.Execute(t.Context(), o, []string{"--help"}); strings.Contains(out.String(), "sample-agent") {
		t.Error("it is listed")
	}
	o.SampleAgent = nil
	if code := cli.Execute(t.Context(), o, []string{"sample-agent"}); code != cli.Usage {
		t.Errorf("without one, the code is %d", code)
	}
}
