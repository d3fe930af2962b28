package tunnel

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// parseNgrok reads the agent's answer to /api/tunnels
// (https://ngrok.com/docs/agent/api/). The error carries none of its text.
func parseNgrok(b []byte) (list []Tunnel, err error) {
	var answer struct {
		Tunnels []struct {
			PublicURL string `json:"public_url"`
			Config    struct {
				Addr string `json:"addr"`
			} `json:"config"`
		} `json:"tunnels"`
	}
	if json.Unmarshal(b, &answer) != nil || answer.Tunnels == nil {
		return nil, errors.New("ngrok's list of tunnels is not the JSON that was expected")
	}
	for _, t := range answer.Tunnels {
		list = leads(list, Tunnel{Program: Ngrok, Scope: Internet, Public: public(t.PublicURL)}, t.Config.Addr)
	}
	return list, nil
}

// parseNgrokArgs reads `ngrok http 8080`
// (https://ngrok.com/docs/agent/cli/): to is "" where it does not say, idle
// where the command opens no tunnel. A word after a flag may be the flag's value
// and with that a password, so it is never taken for the address.
func parseNgrokArgs(args []string) (to string, idle bool) {
	if len(args) < 2 {
		return "", len(args) == 1
	}
	switch command := args[1]; {
	case slices.Contains([]string{"api", "config", "version", "update", "help", "diagnose", "completion", "credits", "authtoken"}, command):
		return "", true
	case !slices.Contains([]string{"http", "tcp", "tls"}, command):
		return "", false
	}
	rest := args[2:]
	for i, arg := range rest {
		if !strings.HasPrefix(arg, "-") && (i == 0 || !strings.HasPrefix(rest[i-1], "-") || strings.Contains(rest[i-1], "=")) {
			return arg, false
		}
	}
	return "", false
}

func (f *Finder) ngrok(ctx context.Context, running []Process) (list []Tunnel) {
	count, silent := 0, 0
	for _, p := range running {
		to, idle := parseNgrokArgs(p.Args)
		if idle {
			continue
		}
		count++
		if to == "" {
			silent++
			continue
		}
		list = leads(list, Tunnel{Program: Ngrok, Scope: Internet}, to)
	}
	if count == 0 {
		return nil
	}
	told := make([][]Tunnel, len(f.NgrokPorts))
	answered := make([]bool, len(f.NgrokPorts))
	each(len(told), func(i int) {
		b, err := f.Get(ctx, "http://127.0.0.1:"+strconv.Itoa(int(f.NgrokPorts[i]))+"/api/tunnels")
		if err != nil {
			return
		}
		told[i], err = parseNgrok(b)
		answered[i] = err == nil
	})
	answers := 0
	for i := range told {
		list = append(list, told[i]...)
		if answered[i] {
			answers++
		}
	}
	if answers < count { // which of them did not answer is not told
		for range silent {
			list = append(list, Tunnel{Program: Ngrok, Scope: Internet, Unknown: true})
		}
	}
	return list
}
