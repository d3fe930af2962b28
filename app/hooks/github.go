package hooks

import (
	"fmt"
	"net/http"
	"strings"
)

// commitsShown is how many commits of a push are listed.
const commitsShown = 10

// EventHeader names the event, for GitHub.
const EventHeader = "X-GitHub-Event"

// github reads a repository's events
// (https://docs.github.com/en/webhooks/webhook-events-and-payloads). One that it
// has no words for is named.
func github(header http.Header, body []byte) (Post, *Fault) {
	event := header.Get(EventHeader)
	if event == "" {
		return Post{}, malformed("", "There is no X-GitHub-Event header. Send the events of a repository here.")
	}
	in, ok := readPayload(formPayload(header, body, "payload"))
	if !ok {
		return Post{}, malformed("", "The body is not a JSON object. Correct it.")
	}
	e := hubEvent{in: in, who: escaped(first(in.text("sender", "login"), in.text("pusher", "name"), "Somebody"))}
	e.repo = linked(in.text("repository", "full_name"), in.text("repository", "html_url"))
	if e.repo == "" {
		e.repo = linked(in.text("organization", "login"), "")
	}
	p := newPage()
	e.write(p, event)
	return p.post(empty("", "There is nothing to show in the event."))
}

type hubEvent struct {
	in        payload
	who, repo string
}

// say puts the first line: where, who and what.
func (e hubEvent) say(p *page, what string) {
	if e.repo != "" {
		what = "**" + e.repo + "** " + what
	}
	p.add(strings.TrimSpace(what))
}

func (e hubEvent) write(p *page, event string) {
	in, action := e.in, escaped(strings.ReplaceAll(e.in.text("action"), "_", " "))
	switch event {
	case "ping":
		e.say(p, "sends its events here now.")
		p.add(escaped(in.text("zen")))
	case "push":
		e.push(p)
	case "create", "delete":
		e.say(p, fmt.Sprintf("%s %sd the %s %s", e.who, event, line(first(in.text("ref_type"), "ref"), 40), span(in.text("ref"))))
	case "issues":
		e.thing(p, action, "issue", in.at("issue"), in.text("action") == "opened")
	case "pull_request":
		pr := in.at("pull_request")
		if in.text("action") == "closed" && pr.at("merged").v == true {
			action = "merged"
		}
		e.thing(p, action, "pull request", pr, in.text("action") == "opened")
	case "discussion":
		e.thing(p, action, "discussion", in.at("discussion"), in.text("action") == "created")
	case "issue_comment", "discussion_comment", "pull_request_review_comment", "commit_comment":
		e.comment(p, action)
	case "pull_request_review":
		r := in.at("review")
		e.thing(p, escaped(strings.ReplaceAll(first(r.text("state"), "reviewed"), "_", " ")), "pull request", in.at("pull_request"), false)
		p.add(excerpt(r.text("body")))
	case "release":
		r := in.at("release")
		e.say(p, fmt.Sprintf("%s %s the release %s", e.who, action, linked(first(r.text("name"), r.text("tag_name")), r.text("html_url"))))
		if in.text("action") == "published" {
			p.add(excerpt(r.text("body")))
		}
	case "fork":
		e.say(p, e.who+" forked it to "+linked(in.text("forkee", "full_name"), in.text("forkee", "html_url")))
	case "star":
		e.say(p, e.who+" "+action+" a star")
	case "workflow_run", "workflow_job", "check_run", "check_suite":
		r := in.at(event)
		e.say(p, fmt.Sprintf("%s %s: %s", conclusion(r.text("conclusion")), linked(first(r.text("name"), strings.ReplaceAll(event, "_", " ")), r.text("html_url")),
			escaped(strings.ReplaceAll(first(r.text("conclusion"), r.text("status"), in.text("action")), "_", " "))))
		p.below(strings.TrimSpace(span(r.text("head_branch")) + " " + escaped(r.text("display_title"))))
	case "deployment_status":
		s := in.at("deployment_status")
		e.say(p, fmt.Sprintf("%s Deployment to %s: %s", conclusion(s.text("state")), linked(first(s.text("environment"), "?"), s.text("target_url")), escaped(s.text("state"))))
	default:
		e.say(p, strings.TrimSpace(fmt.Sprintf("%s: %s %s", e.who, escaped(strings.ReplaceAll(event, "_", " ")), action)))
	}
}

func (e hubEvent) push(p *page) {
	in := e.in
	ref := strings.TrimPrefix(strings.TrimPrefix(in.text("ref"), "refs/heads/"), "refs/tags/")
	commits := in.list("commits")
	switch n := in.count("commits"); {
	case in.at("deleted").v == true:
		e.say(p, e.who+" deleted "+span(ref))
	case n == 0:
		e.say(p, e.who+" pushed "+span(ref))
	default:
		how := "pushed"
		if in.at("forced").v == true {
			how = "force-pushed"
		}
		s := "s"
		if n == 1 {
			s = ""
		}
		e.say(p, fmt.Sprintf("%s %s %s to %s", e.who, how, linked(fmt.Sprintf("%d commit%s", n, s), in.text("compare")), span(ref)))
		for i, c := range commits[:min(n, len(commits), commitsShown)] {
			id := c.text("id")
			subject, _, _ := strings.Cut(c.text("message"), "\n")
			l := fmt.Sprintf("- %s %s – %s", linked(id[:min(len(id), 7)], c.text("url")), line(subject, 120), line(first(c.text("author", "username"), c.text("author", "name")), 60))
			if i == 0 {
				p.add(l)
			} else {
				p.below(l)
			}
		}
		if n > commitsShown {
			p.below(fmt.Sprintf("- … and %d more", n-commitsShown))
		}
	}
}

// thing is what has a number and a title.
func (e hubEvent) thing(p *page, action, kind string, t payload, whole bool) {
	e.say(p, fmt.Sprintf("%s %s %s %s", e.who, action, kind, linked("#"+t.text("number")+" "+t.text("title"), t.text("html_url"))))
	if whole {
		p.add(excerpt(t.text("body")))
	}
}

func (e hubEvent) comment(p *page, action string) {
	on := ""
	for _, k := range []string{"issue", "pull_request", "discussion"} {
		if t := e.in.at(k); t.v != nil {
			on = " on " + linked("#"+t.text("number")+" "+t.text("title"), t.text("html_url"))
		}
	}
	c := e.in.at("comment")
	if id := c.text("commit_id"); on == "" && id != "" {
		on = " on " + span(id[:min(len(id), 7)])
	}
	e.say(p, e.who+" "+action+" a "+linked("comment", c.text("html_url"))+on)
	if e.in.text("action") == "created" {
		p.add(excerpt(c.text("body")))
	}
}

// excerpt is the beginning of a longer text, quoted as plain text: it may be
// anybody's.
func excerpt(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	if r := []rune(s); len(r) > 500 {
		s = string(r[:500]) + "…"
	}
	return "> " + strings.ReplaceAll(escaped(s), "\n", "\n> ")
}

func conclusion(s string) string {
	switch s {
	case "success":
		return "✅"
	case "failure", "timed_out", "error", "startup_failure":
		return "🔴"
	}
	return "⚪"
}
