package model

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// InputName is what a person calls an input; never empty.
func InputName(in api.Input) string {
	title, name := text.Line(in.Title, labelRunes), text.Line(in.Name, labelRunes)
	if s := strings.TrimSpace(title + " " + name); s != "" && name != title {
		return s
	}
	if title != "" {
		return title
	}
	return text.Line(string(in.Account), 40)
}

// InputCounts is what came to an input: "212 accepted · 31 rejected · last 2 min
// ago".
func InputCounts(in api.Input, now time.Time) string {
	if in.Accepted+in.Rejected == 0 && in.Last.IsZero() {
		return "Nothing has come yet"
	}
	words := Thousands(in.Accepted) + " accepted · " + Thousands(in.Rejected) + " rejected"
	if !in.Last.IsZero() {
		words += " · last " + Ago(in.Last, now)
	}
	return words
}

// InputKept is how much of it can be looked at: "1,204 requests kept, 3.4 MB".
func InputKept(in api.Input) string {
	switch {
	case in.Requests == 0 && in.Settings.Ephemeral:
		return "No contents are kept"
	case in.Requests == 0:
		return "No request is kept"
	}
	words := Thousands(uint64(in.Requests)) + " requests kept"
	if in.Requests == 1 {
		words = "1 request kept"
	}
	if in.Bytes > 0 {
		words += ", " + Size(in.Bytes)
	}
	if in.Settings.Ephemeral {
		words += " · contents are not kept"
	}
	return words
}

// InputMissed says how many requests are not listed, or nothing if none is
// missing.
func InputMissed(in api.Input) string {
	switch in.Missed {
	case 0:
		return ""
	case 1:
		return "1 more came too fast to be listed here. What it brought is in the inbox all the same."
	}
	return Thousands(in.Missed) + " more came too fast to be listed here. What they brought is in the inbox all the same."
}

// InputKeeps says what is kept of an input's requests, for its settings.
func InputKeeps(s api.InputSettings) string {
	n, d := fmt.Sprintf("The newest %d requests", api.UsualRequests), Count(int(api.UsualTime/(24*time.Hour)), "day", "days")
	if s.Keep == 1 {
		n = "The newest request"
	} else if s.Keep > 1 {
		n = "The newest " + Thousands(uint64(s.Keep)) + " requests"
	}
	if days := int(s.KeepFor / (24 * time.Hour)); days > 0 {
		d = Count(days, "day", "days")
	}
	words := n + " for " + d
	if s.Ephemeral {
		return words + ": when each came and how it was answered, nothing else"
	}
	return words
}

// Thousands is a number with a comma at every third digit.
func Thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Verdict is whether a request was genuine, at a glance: "verified", or why not
// in one line.
func Verdict(r api.InputRequest) StatusView {
	v := StatusView{State: Good, Words: "verified"}
	if why := text.Line(r.Why, 160); !r.Verified {
		v = StatusView{State: Bad, Words: "not verified"}
		if why != "" {
			v.Words = why
		}
	} else if why != "" || r.Status >= 400 {
		v = StatusView{State: Stale, Words: "verified, then failed"}
		if why != "" {
			v.Words += ": " + why
		}
	}
	if v.Symbol = v.State.Symbol(); v.State == Good {
		v.Symbol = "✓"
	}
	return v
}

// VerdictSentence is the same for who looks at one request.
func VerdictSentence(r api.InputRequest) string {
	why := text.Sentence(text.Line(r.Why, 400))
	switch {
	case r.Verified && why != "":
		return "It is genuine, but it failed. " + why
	case r.Verified && r.Status >= 400:
		return "It is genuine, but it was answered with " + CodeWords(r.Status) + "."
	case r.Verified:
		return "It is genuine: it proved that it is from whom it says."
	case why != "":
		return "It was turned away, and nothing acted on it. " + why
	}
	return "It was turned away, and nothing acted on it: it did not prove from whom it is."
}

// CodeWords is an HTTP status: "404 Not Found".
func CodeWords(code int) string {
	if code == 0 {
		return "nothing"
	}
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

// ViaWords is by what a request came.
func ViaWords(via string) string {
	switch via = text.Line(via, 40); via {
	case "", "listener":
		return "by the listener here"
	}
	return "by the relay " + via
}

// RequestMethod is the method in one short word.
func RequestMethod(r api.InputRequest) string {
	if m := text.Line(r.Method, 10); m != "" {
		return m
	}
	return "–"
}

// RequestSubject is what a request holds, in one line: how its body begins, or
// its media type and its size, or that nothing is kept.
func RequestSubject(r api.InputRequest) string {
	if r.Erased {
		return "content not kept"
	}
	if line := text.Line(r.Line, 120); line != "" {
		return line
	}
	return RequestSize(r)
}

// RequestSize is what a request holds, by its media type and its size.
func RequestSize(r api.InputRequest) string {
	size := "no body"
	if r.Size > 0 {
		size = Size(r.Size)
	}
	kind := ""
	if ts := r.Header["Content-Type"]; len(ts) > 0 && r.Size > 0 {
		kind, _, _ = strings.Cut(ts[0], ";")
		kind = text.Line(kind, 40)
	}
	if kind == "" {
		return size
	}
	return kind + " · " + size
}

// RequestMarks are the remarks on a request, those that matter most first; nil
// for an ordinary one.
func RequestMarks(r api.InputRequest) (m []string) {
	if r.Again {
		m = append(m, "again")
	}
	if r.Erased {
		m = append(m, "not kept")
	}
	return m
}

// RequestNotes are sentences on what is shown of a request and what is not.
func RequestNotes(r api.InputRequest) (out []string) {
	if r.Again {
		out = append(out, "What it brought had come before, so nothing was handed on a second time.")
	}
	switch {
	case r.Erased:
		out = append(out, "Its content is not kept: only when it came, and how it was answered.")
	case r.Cut:
		out = append(out, "Only the beginning of its body is kept: it had "+Size(r.Size)+".")
	}
	if !r.Exact && !r.Erased && r.Size > 0 && r.Masked == 0 { // what is masked is another body, too, and no relay's fault
		out = append(out, "The body may differ from what the sender sent: the relay writes it anew.")
	}
	if r.Masked > 0 {
		out = append(out, Count(r.Masked, "secret value was", "secret values were")+" taken out before it was kept.")
	}
	return out
}

// Took is a length of time as an answer takes it: "12 ms", "1.4 s", "2 min".
func Took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return strconv.FormatInt(int64(d/time.Minute), 10) + " min"
}

// AnswerLine says what a request was answered, and how fast: "200 OK in 12 ms".
func AnswerLine(r api.InputRequest) string {
	if r.Status == 0 {
		return "It was not answered."
	}
	return CodeWords(r.Status) + " in " + Took(r.Took)
}

// RegistrationWords says where an input is registered, and whether that has
// shown itself to work.
func RegistrationWords(r api.Registration, now time.Time) string {
	words := "Registered"
	if where := text.Line(r.Where, 80); where != "" {
		words += " at " + where
	}
	if !r.At.IsZero() {
		words += " " + Ago(r.At, now)
	}
	if r.Proven.IsZero() {
		return words + " · waiting for its first request"
	}
	return words + " · proven " + Ago(r.Proven, now)
}

// InputAnswers says how an input answers and what it makes of a request, where
// that is not the platform's own way; else it is empty.
func InputAnswers(in api.Input) string {
	var out []string
	switch in.Settings.Answer.Mode {
	case "static":
		out = append(out, "answers a fixed text")
	case "dynamic":
		out = append(out, "answers what an expression gives")
	}
	if in.Settings.Transform != "" {
		out = append(out, "an expression makes its text")
	}
	if len(out) == 0 {
		return ""
	}
	return upperFirst(strings.Join(out, " · "))
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// HeaderLines is headers as a person edits them: one a line, in the order of
// their names.
func HeaderLines(h map[string][]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[k] {
			out = append(out, text.Line(k, 0)+": "+text.Line(v, 0))
		}
	}
	return strings.Join(out, "\n")
}

// ParseHeaderLines reads that back; problem says what is wrong with it.
func ParseHeaderLines(s string) (h map[string][]string, problem string) {
	h = map[string][]string{}
	n := 0
	for line := range strings.SplitSeq(s, "\n") {
		n++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		k, v, ok := strings.Cut(line, ":")
		k = strings.TrimSpace(k)
		if !ok || k == "" || strings.ContainsAny(k, " \t") {
			return nil, "Line " + strconv.Itoa(n) + " of the headers is no header. Write it as Name: value."
		}
		h[k] = append(h[k], strings.TrimSpace(v))
	}
	return h, ""
}

// ReplayVerdict is what one responder made of a replay, at a glance.
func ReplayVerdict(r api.ReplayResult) StatusView {
	v := StatusView{State: Good, Words: "no answer"}
	switch {
	case r.Error != "":
		v = StatusView{State: Bad, Words: "failed"}
	case len(r.Answers) > 0 && r.Sent:
		v.Words = Count(len(r.Answers), "answer, sent", "answers, sent")
	case len(r.Answers) > 0:
		v.Words = Count(len(r.Answers), "answer, not sent", "answers, not sent")
	}
	v.Symbol = v.State.Symbol()
	return v
}

// AddressWords is an address in one line, and whether all of it is there: what
// is secret of it stands as an ellipsis, which may have become a part of a URL.
func AddressWords(address string) (s string, whole bool) {
	s = text.Line(strings.ReplaceAll(address, "%E2%80%A6", "…"), 400)
	return s, !strings.Contains(s, "…")
}
