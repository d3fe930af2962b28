package mcp

import (
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// add adds a tool whose schemas say what In and Out are, in words that every
// model's provider understands: each value is of one type.
func add[In, Out any](s *sdk.Server, t sdk.Tool, h sdk.ToolHandlerFor[In, Out]) {
	t.InputSchema, t.OutputSchema = schema[In](), schema[Out]()
	sdk.AddTool(s, &t, h)
}

// schema is T's, nil if it has none: then the SDK looks for one, and says what
// is wrong.
func schema[T any]() any {
	s, err := jsonschema.For[T](nil)
	if err != nil {
		return nil
	}
	plain(s)
	for name, most := range map[string]float64{"limit": mostMessages, "timeout_seconds": mostWait.Seconds()} {
		if p := s.Properties[name]; p != nil {
			p.Minimum, p.Maximum = new(float64), &most
		}
	}
	return s
}

// plain takes "null" from the types in s: none of our values is.
func plain(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	s.Types = slices.DeleteFunc(s.Types, func(t string) bool { return t == "null" })
	if len(s.Types) == 1 {
		s.Type, s.Types = s.Types[0], nil
	}
	plain(s.Items)
	for _, p := range s.Properties {
		plain(p)
	}
}
