package webhook

import (
	"fmt"
	"strings"
	"time"
)

// github reads an event of GitHub's. Its name comes in a header that is not
// signed, so it decides how things are said and nothing else.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads
func github(v value, event string, body []byte) said {
	repo := v.get("repository")
	it := said{who: v.get("sender", "id").raw(40), name: v.get("sender", "login").line(nameMost), bot: v.get("sender", "type").raw(10) == "Bot"}
	if it.subject = repo.get("full_name").line(titleMost); it.subject == "" {
		it.subject = v.get("organization", "login").line(titleMost)
	}
	by, action := before(" by ", it.name), strings.ReplaceAll(v.get("action").line(40), "_", " ")
	it.time = githubTime(v)
	switch event {
	case "ping":
		it.text = "ping: " + v.get("zen").line(titleMost)
	case "push":
		who := v.get("pusher", "name").line(nameMost)
		if who == "" {
			who = it.name
		}
		it.text = pushed(v.get("ref").line(titleMost), who, v.get("deleted").is(), v.get("forced").is(), len(v.get("commits").list()), v.get("commits"), v.get("compare"))
	case "issues":
		it.text = subject("issue #", v.get("issue"), action, it.name)
	case "issue_comment":
		what := "issue #"
		if v.get("issue", "pull_request").any != nil {
			what = "pull request #"
		}
		it.text = comment(what, v.get("issue"), v.get("comment"), action, it.name)
	case "pull_request":
		if action == "closed" && v.get("pull_request", "merged").is() {
			action = "merged"
		}
		it.text = subject("pull request #", v.get("pull_request"), action, it.name)
	case "pull_request_review":
		state := strings.ToLower(strings.ReplaceAll(v.get("review", "state").line(40), "_", " "))
		it.text = comment("review of pull request #", v.get("pull_request"), v.get("review"), join(", ", action, state), it.name)
	case "pull_request_review_comment":
		it.text = comment("pull request #", v.get("pull_request"), v.get("comment"), action, it.name)
	case "discussion":
		it.text = subject("discussion #", v.get("discussion"), action, it.name)
	case "discussion_comment":
		it.text = comment("discussion #", v.get("discussion"), v.get("comment"), action, it.name)
	case "release":
		r := v.get("release")
		it.text = lines(fmt.Sprintf("release %s %s%s%s", r.get("tag_name").line(nameMost), action, by, before(": ", r.get("name").line(titleMost))), r.get("html_url").line(titleMost))
	case "workflow_run":
		r := v.get("workflow_run")
		it.text = lines(fmt.Sprintf("workflow %s %s%s%s", r.get("name").line(nameMost), action, before(": ", outcome(r)), before(" on ", r.get("head_branch").line(nameMost))), r.get("html_url").line(titleMost))
	case "check_run", "check_suite":
		r := v.get(event)
		it.text = lines(fmt.Sprintf("%s %s%s", strings.TrimSpace(strings.ReplaceAll(event, "_", " ")+" "+r.get("name").line(nameMost)), action, before(": ", outcome(r))), r.get("html_url").line(titleMost))
	case "star":
		it.text = "starred" + by
		if action == "deleted" {
			it.text = "star taken back" + by
		}
	case "watch": // what a star was called before
		it.text = "starred" + by
	case "fork":
		it.text = lines("forked"+by+before(" to ", v.get("forkee", "full_name").line(titleMost)), v.get("forkee", "html_url").line(titleMost))
	case "create", "delete":
		it.text = fmt.Sprintf("%s %s %sd%s", v.get("ref_type").line(40), v.get("ref").line(titleMost), event, by)
	default:
		it.text = other(join(" ", strings.ReplaceAll(event, "_", " "), action)+by, body)
	}
	return it
}

// githubTime is when it happened, as far as the body says.
func githubTime(v value) time.Time {
	for _, path := range [][]string{
		{"comment", "updated_at"}, {"review", "submitted_at"}, {"issue", "updated_at"}, {"pull_request", "updated_at"}, {"discussion", "updated_at"},
		{"release", "published_at"}, {"workflow_run", "updated_at"}, {"starred_at"}, {"head_commit", "timestamp"},
	} {
		if at := v.get(path...).time(); !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

func outcome(run value) string {
	if s := run.get("conclusion").line(40); s != "" {
		return strings.ReplaceAll(s, "_", " ")
	}
	return strings.ReplaceAll(run.get("status").line(40), "_", " ")
}

// pushed is a push: to what, by whom, and the first lines of its last commits.
func pushed(ref, who string, deleted, forced bool, n int, commits, link value) string {
	kind, name := "", ref
	if short, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		name = short
	} else if short, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		kind, name = "tag ", short
	}
	what := "push to "
	if forced {
		what = "forced push to "
	}
	if deleted {
		return kind + name + " deleted" + before(" by ", who)
	}
	first := fmt.Sprintf("%s%s%s%s", what, kind, name, before(" by ", who))
	switch {
	case n == 1:
		first += ": 1 commit"
	case n > 1:
		first += fmt.Sprintf(": %d commits", n)
	}
	out := []string{first}
	list := commits.list()
	for _, c := range list[max(0, len(list)-3):] {
		out = append(out, before("· ", value{c}.get("message").first(titleMost)))
	}
	return lines(append(out, link.line(titleMost))...)
}

// subject is something that has a number and a title.
func subject(what string, v value, action, by string) string {
	return lines(what+v.get("number").line(20)+before(" ", action)+before(" by ", by)+before(": ", v.get("title").line(titleMost)), v.get("html_url").line(titleMost))
}

// comment is what somebody wrote about such a thing.
func comment(what string, v, c value, action, by string) string {
	verb := "comment on "
	if strings.HasPrefix(what, "review") {
		verb = ""
	}
	if action == "created" {
		action = ""
	}
	return lines(verb+what+v.get("number").line(20)+before(" ", action)+before(" by ", by)+before(": ", v.get("title").line(titleMost)),
		c.get("body").block(2*dumpMost), c.get("html_url").line(titleMost))
}
