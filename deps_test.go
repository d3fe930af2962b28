package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// This file proves the rules of the house: who may import whom, and where a
// few dangerous or troublesome calls may stand. A rule without a test decays.

const module = "github.com/postern/postern"

// pkg is what `go list` says of one package, for every system at once: build
// constraints are ignored where a file is read by hand below.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,Imports,Deps", "-tags=ci"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// room is the package's path inside the module, "" for the root.
func room(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
}

func inside(room, dir string) bool { return room == dir || strings.HasPrefix(room, dir+"/") }

// connectorOf is the platform a package belongs to, "" for none: the contract,
// its suite and the shared text helpers belong to no platform.
func connectorOf(room string) string {
	parts := strings.Split(room, "/")
	if len(parts) < 2 || parts[0] != "platforms" {
		return ""
	}
	switch parts[1] {
	case "all", "platformtest", "text", "demo", "interop", "markup", "ingresstest", "hook":
		return ""
	}
	return parts[1]
}

func isEmulator(room string) bool {
	return (strings.HasPrefix(room, "platforms/") || strings.HasPrefix(room, "app/ingress/")) && strings.HasSuffix(room, "test")
}

func TestImports(t *testing.T) {
	for _, p := range list(t, "./...") {
		from := room(p.ImportPath)
		for _, imp := range p.Imports {
			std := !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".")
			ours := inside(imp, module)
			to := room(imp)
			bad := func(rule string) { t.Errorf("%s imports %s: %s", from, imp, rule) }

			if from == "platforms" && !std {
				bad("the contract uses the standard library only")
			}
			if c := connectorOf(from); c != "" && ours {
				if isEmulator(from) && connectorOf(to) != "" {
					bad("an emulator never imports a connector")
				}
				if isEmulator(from) && to == "platforms/ingresstest" {
					continue
				}
				if to != "platforms" && to != "platforms/text" && to != "platforms/markup" && to != "platforms/hook" && !strings.HasPrefix(to, "platforms/"+c) {
					bad("a connector knows the contract and its SDK only")
				}
			}
			if inside(from, "app/ingress") && isEmulator(from) && ours {
				bad("an emulator of a relay stands alone")
			}
			if ours && (inside(from, "app/ingress/relay") || inside(from, "app/ingress/webhookrelay") || inside(from, "app/ingress/sse")) && !isEmulator(from) &&
				to != "platforms" && to != "app/ingress/relay" {
				bad("a relay's client knows the contracts only")
			}
			if inside(from, "app") && ours {
				if inside(to, "ui") {
					bad("app does not know its faces")
				}
				if inside(to, "platforms") && to != "platforms" && to != "platforms/text" && to != "platforms/markup" {
					bad("app knows the contract, never a platform")
				}
			}
			if inside(from, "ui/window") && ours && !inside(to, "ui/window") &&
				!slices.Contains([]string{"app/control/client", "app/control/api", "app/access", "app/exposure", "app/inspect", "ui/model", "assets", "platforms", "platforms/text"}, to) {
				bad("the window is a client of the local interface")
			}
			for _, face := range []string{"ui/tray", "ui/notify", "ui/model"} {
				if inside(from, face) && ours && !inside(to, face) &&
					!slices.Contains([]string{"ui/model", "ui/internal/bus", "assets", "app/control/api", "app/access", "app/exposure", "platforms", "platforms/text"}, to) {
					bad("a face knows the model and the words only")
				}
			}
			if inside(from, "assets") && ours {
				bad("assets are data")
			}
			if ours && isEmulator(to) && to != "platforms/platformtest" && !inside(from, "platforms/demo") && !isEmulator(from) {
				bad("emulators are for tests and the demo")
			}
			if ours && to == "platforms/platformtest" && !isEmulator(from) {
				bad("the suite is for tests")
			}
			if inside(imp, "fyne.io/fyne/v2") && !inside(from, "ui/window") {
				bad("Fyne lives in ui/window")
			}
			if inside(imp, "fyne.io/systray") && !inside(from, "ui/tray") {
				bad("the tray library lives in ui/tray")
			}
			if inside(imp, "github.com/expr-lang/expr") && !inside(from, "app/routes") {
				bad("the expression language lives in app/routes")
			}
			if from == "app/routes" && ours && !slices.Contains([]string{"platforms", "platforms/text", "app/access"}, to) {
				bad("routes are pure: they know an event and its sender's role")
			}
			if from == "app/inspect" && ours && to != "app/control/api" {
				bad("what shows requests knows the words only")
			}
			if from == "app/hooks" && ours && !slices.Contains([]string{"platforms", "platforms/text", "platforms/markup"}, to) {
				bad("hooks are pure: they know a request and what it says")
			}
			if inside(imp, "go.etcd.io/bbolt") && !inside(from, "app/internal/store") {
				bad("the database lives in app/internal/store")
			}
			if inside(imp, "github.com/zalando/go-keyring") && !inside(from, "app/internal/vault") {
				bad("the keyring lives in app/internal/vault")
			}
		}
	}
}

func TestProgramsStayApart(t *testing.T) {
	rules := map[string][]string{
		".": {"fyne.io/fyne/v2", "testing"},
		"./ui/window/postern-window": append(connectors(t), "go.etcd.io/bbolt", "github.com/zalando/go-keyring", "github.com/gorilla/websocket",
			"github.com/go-telegram/bot", "github.com/larksuite/oapi-sdk-go/v3", "github.com/diamondburned/arikawa/v3",
			"github.com/slack-go/slack", "github.com/line/line-bot-sdk-go/v8", module+"/app/internal"),
		"./app/control/client": {"go.etcd.io/bbolt", "github.com/zalando/go-keyring", "fyne.io/fyne/v2"},
	}
	for dir, forbidden := range rules {
		for _, p := range list(t, dir) {
			for _, dep := range p.Deps {
				for _, f := range forbidden {
					if inside(dep, f) {
						t.Errorf("%s links %s", dir, dep)
					}
				}
			}
		}
	}
}

// connectors is the import paths of all platforms.
func connectors(t *testing.T) (paths []string) {
	for _, p := range list(t, "./platforms/...") {
		if c := connectorOf(room(p.ImportPath)); c != "" {
			paths = append(paths, module+"/platforms/"+c)
		}
	}
	return paths
}

// calls are selectors that may stand in few places only; the values are path
// prefixes, relative to the root.
var calls = map[string][]string{
	`net\.(Listen|ListenTCP|ListenUnix|ListenPacket|ListenUDP|ListenConfig|FileListener)`: {"app/exposure/", "app/control/listen"},
	`http\.(ListenAndServe|ListenAndServeTLS)`:                                            {"app/exposure/"},
	`winio\.ListenPipe`: {"app/control/listen"},
	`tls\.Listen`:       {"app/exposure/"},
	`httptest\.(NewServer|NewTLSServer|NewUnstartedServer)`: {},
	`fyne\.(Do|DoAndWait)`: {"ui/window/bridge.go"},
	`(http\.DefaultClient|http\.Get|http\.Post|http\.Head|http\.PostForm)`: {},
}

func TestDangerousCallsStandWhereTheyMay(t *testing.T) {
	fset := token.NewFileSet()
	walk(t, func(path string) {
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if isEmulator(dir) { // they speak for a platform's server, over loopback
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: no init functions: wiring is explicit", fset.Position(f.Pos()))
			}
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			name := x.Name + "." + sel.Sel.Name
			for pattern, places := range calls {
				if !regexp.MustCompile("^" + pattern + "$").MatchString(name) {
					continue
				}
				if !slices.ContainsFunc(places, func(p string) bool { return strings.HasPrefix(filepath.ToSlash(path), p) }) {
					t.Errorf("%s: %s may stand only in %v", fset.Position(sel.Pos()), name, places)
				}
			}
			return true
		})
	})
}

// TestNoPlatformIsNamed keeps app and ui free of special cases: what differs
// between platforms is data.
func TestNoPlatformIsNamed(t *testing.T) {
	names := regexp.MustCompile(`(?i)telegram|discord|slack|feishu|\blark\b|mattermost|\bline\.me\b`)
	fset := token.NewFileSet()
	walk(t, func(path string) {
		slash := filepath.ToSlash(path)
		if !strings.HasPrefix(slash, "app/") && !strings.HasPrefix(slash, "ui/") {
			return
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if names.MatchString(n.Name) {
					t.Errorf("%s: %s names a platform", fset.Position(n.Pos()), n.Name)
				}
			case *ast.BasicLit:
				if n.Kind == token.STRING && names.MatchString(n.Value) {
					t.Errorf("%s: %s names a platform", fset.Position(n.Pos()), n.Value)
				}
			}
			return true
		})
	})
}

// TestFilesStayReadable holds hand-written files to a length that one sitting
// can read.
func TestFilesStayReadable(t *testing.T) {
	walk(t, func(path string) {
		if n := lines(t, path); n > 400 {
			t.Errorf("%s has %d lines; above 400, ask which part wants a file of its own", path, n)
		}
	})
}

// walk visits every Go file that is not a test.
func walk(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			visit(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func lines(t *testing.T, path string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(b, []byte("\n"))
}
