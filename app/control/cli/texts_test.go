package cli_test

import (
	"bytes"
	"go/scanner"
	gotoken "go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/cli"
)

// TestTextsNameCommands has every command that a text of the program sends a
// person to be one that there is.
func TestTextsNameCommands(t *testing.T) {
	prose := []string{"help", "sealed", "journal", "acknowledgement", "or", "what"} // cobra's own, and what else follows the name
	named := regexp.MustCompile(`\bpostern ([a-z]+)`)
	root := cli.New(cli.Options{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}})
	n := 0
	err := filepath.WalkDir("../../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var s scanner.Scanner
		files := gotoken.NewFileSet()
		s.Init(files.AddFile(path, -1, len(src)), src, nil, 0)
		for pos, tok, lit := s.Scan(); tok != gotoken.EOF; pos, tok, lit = s.Scan() {
			if tok != gotoken.STRING {
				continue
			}
			for _, m := range named.FindAllStringSubmatch(lit, -1) {
				n++
				if cmd, _, err := root.Find([]string{m[1]}); (err != nil || cmd == root) && !slices.Contains(prose, m[1]) {
					t.Errorf("%s: there is no command %q", files.Position(pos), m[0])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 50 {
		t.Errorf("only %d commands were found in texts", n)
	}
}
