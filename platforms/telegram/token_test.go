package telegram

import (
	"strings"
	"testing"
)

func TestParseToken(t *testing.T) {
	const token = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
	const other = "987654321:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-xy"
	botFather := "Done! Congratulations on your new bot. You will find it at t.me/postern_bot. You can now add a description, " +
		"about section and profile picture for your bot, see /help for a list of commands. By the way, when you've finished " +
		"creating your cool bot, ping our Bot Support if you want a better username for it.\n\nUse this token to access the HTTP API:\n" +
		token + "\nKeep your token secure and store it safely, it can be used by anyone to control your bot.\n\n" +
		"For a description of the Bot API, see this page: https://core.telegram.org/bots/api"
	good := map[string]string{
		"as it is":                token,
		"white space around":      "  \n" + token + "\r\n",
		"quotes":                  `"` + token + `"`,
		"backticks":               "`" + token + "`",
		"environment file":        "TELEGRAM_BOT_TOKEN=" + token,
		"JSON":                    `{"token": "` + token + `"}`,
		"address":                 "https://api.telegram.org/bot" + token + "/getMe",
		"BotFather's message":     botFather,
		"twice the same":          token + " " + token,
		"full stop behind":        "It is " + token + ".",
		"invisible spaces inside": token[:10] + "\u200b" + token[10:] + "\ufeff",
	}
	for name, in := range good {
		t.Run(name, func(t *testing.T) {
			if got, err := parseToken(in); err != nil || got != token {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	bad := map[string]struct{ in, says string }{
		"empty":              {" \n ", "BotFather"},
		"cut off":            {token[:20], "does not look like"},
		"second half":        {"AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc", "whole token"},
		"name of the bot":    {"@postern_bot", "name"},
		"number only":        {"123456789", "whole token"},
		"two tokens":         {token + "\n" + other, "several"},
		"space inside":       {token[:30] + " " + token[30:], "does not look like"},
		"longer word":        {"x" + token, "does not look like"},
		"foreign characters": {"123456789:ААЕһВОwеіk6аd9r_QХМЕNQјсrGbqСr4К-bс", "does not look like"},
	}
	for name, tt := range bad {
		t.Run(name, func(t *testing.T) {
			got, err := parseToken(tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %q, %v; want an error that says %q", got, err, tt.says)
			}
			for _, piece := range []string{"AAEhBOweik", "123456789", "wеіk6"} {
				if strings.Contains(err.Error(), piece) {
					t.Errorf("the error repeats what was entered: %v", err)
				}
			}
		})
	}
}

func TestParseServer(t *testing.T) {
	good := map[string]string{
		"": "", " https://tg.example.org/ ": "https://tg.example.org",
		"http://127.0.0.1:8081": "http://127.0.0.1:8081", "https://example.org/tg/": "https://example.org/tg",
	}
	for in, want := range good {
		if got, err := parseServer(in); err != nil || got != want {
			t.Errorf("%q gave %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"example.org", "ftp://x", "http://", "https://u:p@x", "https://x?y=1", "https://x#y", "javascript:alert(1)",
		"https://api.telegram.org/bot123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"} {
		got, err := parseServer(in)
		if err == nil {
			t.Errorf("%q was accepted as %q", in, got)
		} else if strings.Contains(err.Error(), "AAEh") {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
}
