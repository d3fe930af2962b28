package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	acp "github.com/coder/acp-go-sdk"

	"github.com/postern/postern/app"
)

const (
	mostChoices = 6
	mostPaths   = 8
	mostDiff    = 12       // lines of each side of a difference
	longDetail  = 2 << 10  // bytes of all of it
	longCommand = 1 << 10  // bytes of a command
	longRow     = 160      // runes of a line of a difference
	mostDiffed  = 64 << 10 // bytes of a text that is looked at for differences
	mostQueries = 200      // questions in one turn
)

// permit has an owner decide what the agent asks, one question at a time, and is
// the answer. Nothing is allowed unless an owner chose so.
func (t *turn) permit(ctx context.Context, p acp.RequestPermissionRequest) acp.RequestPermissionOutcome {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(t.ctx, stop)()
	select {
	case t.asking <- struct{}{}:
	case <-ctx.Done():
		return acp.NewRequestPermissionOutcomeCancelled()
	}
	defer func() { <-t.asking }()
	if t.asked++; t.asked > mostQueries || ctx.Err() != nil || t.ctx.Err() != nil {
		return acp.NewRequestPermissionOutcomeCancelled()
	}
	options := choose(p.Options)
	if len(options) == 0 {
		return acp.NewRequestPermissionOutcomeCancelled()
	}
	id, err := t.to.Ask(ctx, permission(p.ToolCall, options, t.show.hide))
	if ctx.Err() != nil {
		return acp.NewRequestPermissionOutcomeCancelled()
	}
	if n, bad := strconv.Atoi(id); err == nil && bad == nil && n >= 1 && n <= len(options) {
		return acp.NewRequestPermissionOutcomeSelected(options[n-1].OptionId)
	}
	// Nobody decided. "Cancelled" would say that the whole turn is over.
	for _, kind := range []acp.PermissionOptionKind{acp.PermissionOptionKindRejectOnce, acp.PermissionOptionKindRejectAlways} {
		if i := slices.IndexFunc(options, func(o acp.PermissionOption) bool { return o.Kind == kind }); i >= 0 {
			if kind == acp.PermissionOptionKindRejectAlways && errors.Is(err, app.ErrUndecided) {
				break // "always" is a decision, and nobody made one
			}
			return acp.NewRequestPermissionOutcomeSelected(options[i].OptionId)
		}
	}
	return acp.NewRequestPermissionOutcomeCancelled()
}

// refuses reports whether an option keeps the thing from happening. One that
// says neither is taken for one that lets it.
func refuses(o acp.PermissionOption) bool {
	return o.Kind == acp.PermissionOptionKindRejectOnce || o.Kind == acp.PermissionOptionKindRejectAlways
}

// choose takes as many options as can be shown, one to refuse among them, if
// there is any.
func choose(all []acp.PermissionOption) []acp.PermissionOption {
	if len(all) <= mostChoices {
		return all
	}
	some := slices.Clone(all[:mostChoices])
	if !slices.ContainsFunc(some, refuses) {
		if i := slices.IndexFunc(all, refuses); i >= 0 {
			some[mostChoices-1] = all[i]
		}
	}
	return some
}

// permission is the question to an owner. The agent's own ids stay here: how
// long they are, or what they hold, is its affair.
func permission(call acp.ToolCallUpdate, options []acp.PermissionOption, hide veil) app.Permission {
	p := app.Permission{Detail: detail(call, hide)}
	if call.Title != nil {
		p.Title = hide.line(*call.Title, 200)
	}
	if p.Title == "" && call.Kind != nil {
		p.Title = hide.line(string(*call.Kind), 60)
	}
	if p.Title == "" {
		p.Title = "Use a tool"
	}
	for i, o := range options {
		label := hide.line(o.Name, 60)
		if label == "" {
			label = strings.ReplaceAll(hide.line(string(o.Kind), 60), "_", " ")
		}
		p.Choices = append(p.Choices, app.Choice{ID: strconv.Itoa(i + 1), Label: label, Grants: !refuses(o)})
	}
	return p
}

// detail says what exactly would be done, as far as the agent tells.
func detail(call acp.ToolCallUpdate, hide veil) string {
	var rows []string
	add := func(s string) { rows = append(rows, s) }
	if call.Kind != nil && *call.Kind != "" {
		add("Kind: " + hide.line(string(*call.Kind), 60))
	}
	input, _ := call.RawInput.(map[string]any)
	command := false
	for _, k := range []string{"command", "cmd"} {
		if c := commandLine(input[k]); c != "" && !command {
			add("Command: " + hide.long(c, longCommand))
			command = true
		}
	}
	var paths []string
	for _, l := range call.Locations {
		paths = append(paths, l.Path)
	}
	diff := false
	for _, c := range call.Content {
		if c.Diff != nil {
			diff = true
			paths = append(paths, c.Diff.Path)
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	for i, p := range paths {
		if i == mostPaths {
			add(fmt.Sprintf("and %d more paths", len(paths)-i))
			break
		}
		add("Path: " + hide.line(p, 300))
	}
	for _, c := range call.Content {
		switch {
		case c.Diff != nil:
			add(difference(c.Diff, hide))
		case c.Content != nil && c.Content.Content.Text != nil:
			add(hide.long(c.Content.Content.Text.Text, longCommand))
		}
	}
	if !command && !diff && call.RawInput != nil {
		if b, err := json.Marshal(call.RawInput); err == nil && string(b) != "{}" {
			add("Input: " + hide.long(string(b), longCommand))
		}
	}
	all := strings.Join(slices.DeleteFunc(rows, func(s string) bool { return s == "" }), "\n")
	return hide.long(all, longDetail)
}

// commandLine is a command that is given as a text or as a list of words.
func commandLine(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var words []string
		for _, w := range v {
			s, ok := w.(string)
			if !ok {
				return ""
			}
			if s == "" || strings.ContainsAny(s, " \t\n\"'\\") {
				s = strconv.Quote(s)
			}
			words = append(words, s)
		}
		return strings.Join(words, " ")
	}
	return ""
}

// difference is what would change in a file: the lines between those that are
// the same at both ends.
func difference(d *acp.ToolCallContentDiff, hide veil) string {
	before := ""
	if d.OldText != nil {
		before = *d.OldText
	}
	if len(before) > mostDiffed || len(d.NewText) > mostDiffed {
		return fmt.Sprintf("(From %d to %d bytes: too much to be shown here.)", len(before), len(d.NewText))
	}
	was, is := split(before), split(d.NewText)
	for len(was) > 0 && len(is) > 0 && was[0] == is[0] {
		was, is = was[1:], is[1:]
	}
	for len(was) > 0 && len(is) > 0 && was[len(was)-1] == is[len(is)-1] {
		was, is = was[:len(was)-1], is[:len(is)-1]
	}
	return strings.Join(append(side("- ", was, hide), side("+ ", is, hide)...), "\n")
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

func side(mark string, lines []string, hide veil) (out []string) {
	for i, l := range lines {
		if i == mostDiff {
			return append(out, fmt.Sprintf("%s… %d more lines", mark, len(lines)-i))
		}
		out = append(out, mark+row(l, hide))
	}
	return out
}

// row is a line of a file, with its indentation.
func row(l string, hide veil) string {
	l = strings.TrimRight(l, " \t\r")
	bare := strings.TrimLeft(l, " \t")
	indent := strings.ReplaceAll(l[:min(len(l)-len(bare), 40)], "\t", "  ")
	return indent + hide.line(bare, longRow)
}
