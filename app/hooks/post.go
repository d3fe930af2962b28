package hooks

import (
	"net/http"

	"github.com/postern/postern/platforms"
)

// Dialect is the form in which a hook is posted to. The names are those of the
// forms; Forms knows whose they are.
type Dialect string

// The dialects.
const (
	Native       Dialect = ""             // {"content": "…"}
	Blocks       Dialect = "blocks"       // text, blocks and attachments in mrkdwn
	Embeds       Dialect = "embeds"       // content and embeds
	Attachments  Dialect = "attachments"  // text and attachments in Markdown
	Cards        Dialect = "cards"        // a MessageCard, or an Adaptive Card
	GitHub       Dialect = "github"       // events of a repository
	Alertmanager Dialect = "alertmanager" // groups of alerts
	Grafana      Dialect = "grafana"      // groups of alerts
	Template     Dialect = "template"     // any JSON, by the hook's template
)

// Bounds of what Parse reads and makes.
const (
	MostBody    = 1 << 20 // bytes of a body
	mostContent = 4000    // characters of a native post
	mostText    = 8000    // characters of a Post's text; the rest is cut off
	mostBytes   = 30 << 10
	mostItems   = 50 // of a list in a payload
)

// Post is what a request says. All of it is fit to be shown: nothing in it acts
// on a platform, and its Markdown mentions nobody until Addressed says whom.
type Post struct {
	Text   string
	Format platforms.Format

	Username string // at most 64 characters; empty: the hook's name
	Avatar   string // an http or https address; empty: the hook's

	// Mentions is who is addressed by @username, each once, in order, if there is
	// such a member; those who address everybody are never in it.
	Mentions []string
}

// Parse reads a request to h, whose body is no longer than MostBody. It fails
// with a *Fault. It never panics and asks nobody. Of a text longer than a
// Post it reads the beginning, so that no body takes long.
func Parse(h Hook, header http.Header, body []byte) (Post, error) {
	if len(body) > MostBody {
		return Post{}, &Fault{Kind: TooLong, Text: "The body is larger than 1 MiB. Send less."}
	}
	var p Post
	var f *Fault
	switch h.Dialect {
	case Native:
		p, f = native(body)
	case Blocks:
		p, f = blocks(header, body)
	case Embeds:
		p, f = embeds(header, body)
	case Attachments:
		p, f = attachments(header, body)
	case Cards:
		p, f = cards(body)
	case GitHub:
		p, f = github(header, body)
	case Alertmanager, Grafana:
		p, f = alerts(body)
	case Template:
		p, f = templated(h.Template, body)
	default:
		f = &Fault{Kind: Failed, Text: "The hook's form is not known here. Change the hook."}
	}
	if f != nil {
		return Post{}, f
	}
	return p, nil
}

// named gives p who posts, as far as it is fit to be shown.
func (p Post) named(username, avatar string) Post {
	p.Username = shortened(username, mostName)
	if webAddress(avatar) {
		p.Avatar = avatar
	}
	return p
}
