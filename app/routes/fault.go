package routes

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fault is what is wrong with an expression, and where.
type Fault struct {
	Route  string `json:"route,omitempty"`  // its name, or id; empty where it is not known
	Line   int    `json:"line,omitempty"`   // from 1; 0 where it is no particular place
	Column int    `json:"column,omitempty"` // in characters, from 1; 0 where it is no particular place
	Words  string `json:"words"`            // what is wrong, and what to do
}

// Error says where, what is wrong, and what to do.
func (f *Fault) Error() string {
	var where []string
	if f.Route != "" {
		where = append(where, "route “"+f.Route+"”")
	}
	if f.Line > 0 {
		where = append(where, fmt.Sprintf("line %d, column %d", f.Line, f.Column))
	}
	if len(where) == 0 {
		return f.Words
	}
	return strings.Join(where, ", ") + ": " + f.Words
}

// sentence is the words for a trace.
func (f *Fault) sentence() string {
	s := f.Words
	if r, n := utf8.DecodeRuneInString(s); n > 0 {
		s = string(unicode.ToUpper(r)) + s[n:]
	}
	if s != "" && !strings.ContainsAny(s[len(s)-1:], ".?!") {
		s += "."
	}
	return s
}

// faultAt is a fault at the rune with index from of when.
func faultAt(when string, from int, words string) *Fault {
	line, column := 1, 1
	for _, r := range when {
		if from--; from < 0 {
			break
		}
		if column++; r == '\n' {
			line, column = line+1, 1
		}
	}
	return &Fault{Line: line, Column: column, Words: words}
}

func tooLong(n int) string {
	return fmt.Sprintf("the expression is %d bytes long, and %d at most are read. Make two routes of it", n, WhenMost)
}
