package command

import (
	"bytes"
	"context"
	"os/exec"
	"testing"
)

// What running a small program costs: by the responder, and by os/exec alone.
// The difference is ours.
func BenchmarkRun(b *testing.B) {
	program, err := exec.LookPath("true")
	if err != nil {
		b.Skip(err)
	}
	d := delivery("a message of the usual length, or thereabouts")
	b.Run("responder", func(b *testing.B) {
		r := build(b, Config{Program: program, Dir: b.TempDir()})
		for b.Loop() {
			if _, err := r.Respond(context.Background(), d); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		dir := b.TempDir()
		for b.Loop() {
			cmd := exec.CommandContext(context.Background(), program)
			cmd.Dir, cmd.Env = dir, []string{}
			cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(make([]byte, 400)), &bytes.Buffer{}, &bytes.Buffer{}
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
