package text

import "testing"

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "gone": "Gone.", "Gone.": "Gone.", "really?": "Really?", "“Mine” is off": "“Mine” is off.", "über uns": "Über uns.", "\xff": "\xff.",
	} {
		if got := Sentence(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
