package exposure

import (
	"net/netip"
	"testing"

	"github.com/postern/postern/platforms"
)

func addrs(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func TestOfHost(t *testing.T) {
	for _, c := range []struct {
		host  string
		addrs []netip.Addr
		want  Reach
	}{
		// this computer
		{"127.0.0.1", nil, ThisComputer}, {"127.8.9.10", nil, ThisComputer}, {"::1", nil, ThisComputer}, {"[::1]", nil, ThisComputer},
		{"::ffff:127.0.0.1", nil, ThisComputer}, {"localhost", nil, ThisComputer}, {"LocalHost.", nil, ThisComputer},
		{"bot.localhost", nil, ThisComputer}, {"localhost", addrs("8.8.8.8"), ThisComputer},
		{"home.example", addrs("127.0.0.1", "::1"), ThisComputer},
		// the network
		{"10.0.0.1", nil, Network}, {"172.16.0.1", nil, Network}, {"172.31.255.255", nil, Network}, {"192.168.1.7", nil, Network},
		{"::ffff:192.168.1.7", nil, Network}, {"169.254.10.1", nil, Network}, {"fe80::1", nil, Network}, {"fe80::1%eth0", nil, Network},
		{"fd12:3456::1", nil, Network}, {"fc00::1", nil, Network}, {"100.64.0.1", nil, Network}, {"100.127.255.255", nil, Network},
		{"64:ff9b::c0a8:107", nil, Network}, {"::192.168.1.7", nil, Network}, {"64:ff9b::7f00:1", nil, Network},
		{"nas.local", nil, Network}, {"nas.local.", nil, Network}, {"nas.local", addrs("192.168.1.9"), Network},
		{"chat.example", addrs("192.168.1.9", "fd00::9"), Network}, {"chat.example", addrs("127.0.0.1", "10.0.0.1"), Network},
		// anyone
		{"8.8.8.8", nil, Anyone}, {"172.32.0.1", nil, Anyone}, {"172.15.0.1", nil, Anyone}, {"192.169.0.1", nil, Anyone}, {"11.0.0.1", nil, Anyone},
		{"100.63.255.255", nil, Anyone}, {"100.128.0.1", nil, Anyone}, {"2606:4700::1111", nil, Anyone}, {"::ffff:8.8.8.8", nil, Anyone},
		{"64:ff9b::808:808", nil, Anyone}, {"fec0::1", nil, Anyone}, {"2002:c0a8:107::1", nil, Anyone},
		{"0.0.0.0", nil, Anyone}, {"::", nil, Anyone}, {"::ffff:0.0.0.0", nil, Anyone}, {"255.255.255.255", nil, Anyone}, {"224.0.0.1", nil, Anyone},
		{"203.0.113.5", nil, Anyone}, {"", nil, Anyone}, {"bot.example.org", nil, Anyone}, {"localhost.example.org", nil, Anyone},
		{"127.1", nil, Anyone}, {"0x7f000001", nil, Anyone}, {"127.0.0.01", nil, Anyone}, {"local", nil, Anyone}, {"nas.local.example.org", nil, Anyone},
		{"bot.example.org", addrs("192.168.1.9", "8.8.8.8"), Anyone}, {"nas.local", addrs("8.8.8.8"), Anyone}, {"bot.example.org", addrs("::"), Anyone},
	} {
		if got := OfHost(c.host, c.addrs); got != c.want {
			t.Errorf("%q %v: %d, want %d", c.host, c.addrs, got, c.want)
		}
	}
}

func TestLevel(t *testing.T) {
	private, public := Host{Name: "10.0.0.5"}, Host{Name: "chat.example.org", Addrs: addrs("198.51.100.1")}
	near := Host{Name: "192.168.1.2"}
	for name, c := range map[string]struct {
		f    Facts
		want Level
	}{
		"dials":                                {Facts{Inbound: platforms.Dials}, Outbound},
		"callback, nothing opened":             {Facts{Inbound: platforms.Callback, Server: public}, Outbound},
		"callback by relay":                    {Facts{Inbound: platforms.Callback, Relayed: true, Server: public}, Relayed},
		"webhook, nothing opened":              {Facts{Inbound: platforms.Webhook}, Refused},
		"webhook by relay":                     {Facts{Inbound: platforms.Webhook, Relayed: true}, Relayed},
		"webhook on loopback":                  {Facts{Inbound: platforms.Webhook, Listener: true, Bind: "127.0.0.1"}, Refused},
		"webhook on loopback, acknowledged":    {Facts{Inbound: platforms.Webhook, Listener: true, Bind: "127.0.0.1", Acknowledged: true}, Public},
		"webhook, relay and listener":          {Facts{Inbound: platforms.Webhook, Relayed: true, Listener: true, Bind: "127.0.0.1"}, Refused},
		"webhook, private callback host":       {Facts{Inbound: platforms.Webhook, Listener: true, Bind: "10.0.0.1", Callback: private}, Refused},
		"callback, all on this computer":       {Facts{Inbound: platforms.Callback, Listener: true, Bind: "127.0.0.1", Server: Host{Name: "localhost"}}, Private},
		"callback, all private":                {Facts{Inbound: platforms.Callback, Listener: true, Bind: "10.0.0.1", Callback: private, Server: near}, Private},
		"callback, public server":              {Facts{Inbound: platforms.Callback, Listener: true, Bind: "10.0.0.1", Callback: private, Server: public}, Refused},
		"callback, public server, agreed":      {Facts{Inbound: platforms.Callback, Listener: true, Bind: "10.0.0.1", Callback: private, Server: public, Acknowledged: true}, Public},
		"callback, public name":                {Facts{Inbound: platforms.Callback, Listener: true, Bind: "10.0.0.1", Callback: public, Server: near}, Refused},
		"callback, name of nothing":            {Facts{Inbound: platforms.Callback, Listener: true, Bind: "10.0.0.1", Callback: Host{Name: "gone.example"}, Server: near}, Refused},
		"callback, server unknown":             {Facts{Inbound: platforms.Callback, Listener: true, Bind: "10.0.0.1", Callback: private}, Refused},
		"callback on every address":            {Facts{Inbound: platforms.Callback, Listener: true, Bind: "0.0.0.0", Callback: private, Server: near}, Refused},
		"callback on every address, v6":        {Facts{Inbound: platforms.Callback, Listener: true, Bind: "::", Callback: private, Server: near}, Refused},
		"callback with a tunnel":               {Facts{Inbound: platforms.Callback, Listener: true, Bind: "127.0.0.1", Server: near, Tunnel: true}, Refused},
		"callback with a tunnel, agreed":       {Facts{Inbound: platforms.Callback, Listener: true, Bind: "127.0.0.1", Server: near, Tunnel: true, Acknowledged: true}, Public},
		"callback in a tailnet":                {Facts{Inbound: platforms.Callback, Listener: true, Bind: "100.100.1.1", Server: Host{Name: "100.100.1.2"}}, Private},
		"callback in a tailnet with a funnel":  {Facts{Inbound: platforms.Callback, Listener: true, Bind: "100.100.1.1", Server: Host{Name: "100.100.1.2"}, Tunnel: true}, Refused},
		"local programs":                       {Facts{Local: true, Listener: true, Bind: "127.0.0.1"}, Local},
		"local programs, v6":                   {Facts{Local: true, Listener: true, Bind: "::1"}, Local},
		"local programs on the network":        {Facts{Local: true, Listener: true, Bind: "192.168.1.2"}, Private},
		"local programs on every address":      {Facts{Local: true, Listener: true, Bind: "0.0.0.0"}, Refused},
		"local programs with a tunnel":         {Facts{Local: true, Listener: true, Bind: "127.0.0.1", Tunnel: true}, Refused},
		"local programs with a tunnel, agreed": {Facts{Local: true, Listener: true, Bind: "127.0.0.1", Tunnel: true, Acknowledged: true}, Public},
		"unknown inbound":                      {Facts{Inbound: 99, Listener: true, Bind: "127.0.0.1"}, Refused},
	} {
		if got := c.f.Level(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
