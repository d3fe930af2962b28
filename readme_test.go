package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms/all"
	"github.com/postern/postern/ui/model"
)

var writeReadme = flag.Bool("write-readme", false, "write the table of capabilities into README.md")

// Where the table stands in README.md.
const (
	tableBegin = "<!-- capabilities: written by make readme -->\n"
	tableEnd   = "<!-- end -->\n"
)

// TestReadme keeps README's table what the platforms' data says, which is what
// the window shows.
func TestReadme(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("README.md has no place for the table: %q … %q", tableBegin, tableEnd)
	}
	want := before + tableBegin + capabilities() + tableEnd + after
	if want == string(data) {
		return
	}
	if !*writeReadme {
		t.Fatal("README.md's table is not what the platforms say. Run: make readme")
	}
	if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// capabilities is the table as Markdown.
func capabilities() string {
	var list []api.Platform
	for _, p := range all.All() {
		list = append(list, api.Platform{Title: p.Title, Minutes: p.Minutes, Away: p.Away, Exposure: exposure.Facts{Inbound: p.Inbound}.Level(), Limits: p.Limits, Varies: p.Vary != nil})
	}
	var b strings.Builder
	b.WriteString("| |")
	for _, p := range list {
		b.WriteString(" " + p.Title + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(list)) + "\n")
	for _, c := range model.Capabilities(list) {
		b.WriteString("| " + c.Name + " |")
		for _, v := range c.Values {
			b.WriteString(" " + strings.ReplaceAll(v, "|", `\|`) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}
