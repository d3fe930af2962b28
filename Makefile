# Postern's workshop. `make run` and `make test` work on a fresh machine that
# has Go; everything else assumes that one of them has run.

SHELL := /bin/bash
BIN   := bin
# gles: builds four times faster; x11: Wayland desktops show it through XWayland.
TAGS  := gles,x11
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
PKGS_APP := ./app/... ./platforms/... ./ui/model/... ./ui/tray/... ./ui/notify/... ./assets/... .

.PHONY: run demo build window docs install-docs libs test check race bench attack interop torture shots readme clean

run: build window ## start Postern; without an account and a display, the demo
	@./packaging/run.sh $(BIN)

demo: build $(if $(DISPLAY)$(WAYLAND_DISPLAY),window)
	$(BIN)/postern --demo $(if $(DISPLAY)$(WAYLAND_DISPLAY),,--headless)

build:
	CGO_ENABLED=0 go build -ldflags '$(LDFLAGS)' -o $(BIN)/postern .

window: libs
	go build -tags $(TAGS) -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN)/postern-window ./ui/window/postern-window

# Where systems look for them: share/ of /usr, /usr/local or Homebrew's prefix.
docs: build ## manual pages and shell completions, in bin/share/
	@./packaging/docs.sh $(BIN)/postern $(BIN)/share

PREFIX ?= /usr/local
install-docs: docs
	mkdir -p $(DESTDIR)$(PREFIX)/share
	cp -R $(BIN)/share/. $(DESTDIR)$(PREFIX)/share/

libs: ## the C libraries that the window is built with
	@./packaging/libs.sh

test: ## every test, as CI runs it
	@./packaging/libs.sh test
	go vet -tags $(TAGS) ./...
	go test -tags $(TAGS) -timeout 20m ./...

check: ## what must be green before a commit is shared
	@./packaging/libs.sh test
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt'; exit 1; }
	go vet -tags $(TAGS) ./...
	CGO_ENABLED=0 GOOS=windows go vet -tags ci ./...
	CGO_ENABLED=0 GOOS=darwin go vet ./app/... ./platforms/... ./ui/model/... ./ui/notify/... ./assets/...
	go run $(STATICCHECK) -tags $(TAGS) ./...
	go test -tags $(TAGS) -run 'Test(Imports|Programs|Dangerous|NoPlatform|Files)' .
	go test -tags $(TAGS) -race -p 1 -timeout 40m ./...

bench: build ## speed and memory on this machine
	POSTERN_BENCH=1 go test -count 1 -p 1 -run '^TestBench' -timeout 60m -v ./app/internal/store ./app .
	go test -count 1 -run '^$$' -bench 'BenchmarkRun|BenchmarkForward' ./app/responders/command ./app/responders/forward

attack: ## the listener under attack: bigger floods, more samples, and fuzzing
	POSTERN_ATTACK=full go test -count 1 -timeout 20m -v ./app/ingress
	POSTERN_ATTACK=full go test -count 1 -timeout 20m -v -run "RandomTokens|HookToken" ./app/hooks ./app
	go test -count 1 -timeout 5m -v -run TestMonsters .
	POSTERN_ATTACK=full go test -count 1 -timeout 30m -v -run TestRelayedStream .
	go test -run '^$$' -fuzz FuzzSource -fuzztime 2m ./app/ingress
	go test -run '^$$' -fuzz FuzzRequest -fuzztime 2m ./app/ingress

interop: ## official clients against our emulators, and other people's servers against us
	cd platforms/interop && npm ci --no-audit --no-fund --silent
	cd platforms/interop/inspector && npm ci --no-audit --no-fund --silent
	go test -tags interop -count 1 -v ./platforms/interop/...

torture: ## a thousand kills under load
	go test -count 1 -timeout 60m -v -run TestTorture . -args -kills 1000

shots: libs ## screenshots of every page, in shots/
	go test -tags $(TAGS) -count 1 -run TestShots ./ui/window -args -shots $(CURDIR)/out/shots

readme: ## README's table, from the platforms' own data
	go test -count 1 -run TestReadme . -args -write-readme

clean:
	rm -rf $(BIN) out
