package telegram

import (
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
)

// A server repeats the token in a form that cleaning would put together again,
// or only its secret part.
func TestTokenIsNotRepeated(t *testing.T) {
	const number, key = "123456789", "AAHsecretPartOfTheToken_1234567890abc"
	for name, said := range map[string]string{
		"whole":            number + ":" + key,
		"zero-width space": number + ":" + key[:4] + "\u200b" + key[4:],
		"soft hyphen":      number + ":" + key[:4] + "\u00ad" + key[4:],
		"secret part":      "the key is " + key,
		"percent-encoded":  number + "%3a" + key,
	} {
		t.Run(name, func(t *testing.T) {
			a := &api{token: platforms.NewSecret(number + ":" + key)}
			err := a.refused("getMe", answer{ErrorCode: 400, Description: "Bad Request: " + said})
			e := err.(*platforms.Error)
			for _, told := range []string{e.Text, e.Error(), e.Err.Error()} {
				if strings.Contains(told, key) || strings.Contains(told, key[4:]) {
					t.Errorf("the token's secret part is in an error's text")
				}
			}
		})
	}
}
