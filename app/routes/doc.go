// Package routes decides which responders get an event: ordered routes, each
// with a condition, where the first that matches wins.
//
// It is pure. Conditions are written in the expression language of
// github.com/expr-lang/expr (https://expr-lang.org/docs/language-definition), whose
// parser and type checker read them. What is allowed of the language is a list of
// ours, and evaluating is ours too, so that all work on what came from outside is
// counted and bounded. [Suggest] has the names.
//
// Left out are let, ; and braces, ranges and slices, % and **, joined texts,
// chained comparisons (of which the parser makes trees that double with each
// level), patterns that are not written out, and all functions that Suggest does
// not have. Different from the library are these:
//
//   - What is not there is false as a condition, "" as a text, and a list without
//     entries to any, all, none, one and count.
//   - ?.[3] is nil where a list is too short.
//   - Lists and objects are never compared as a whole, but for nil.
//
// A condition that fails counts as not matched, and the trace says why. Who sends
// an event can make one fail: routes tell where things go, and guard nothing. Who
// may talk at all is app/access's to say.
package routes
