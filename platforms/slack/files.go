package slack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Files go out in three steps: an address to send to is asked for, the file is
// sent there as it is read, and then it is put into the conversation.
// https://docs.slack.dev/messaging/working-with-files#uploading_files

const (
	slowest = 32 << 10 // bytes a second, for deadlines
	// heldMost is how much of a file of unknown size is held: Slack wants to know
	// the size first.
	heldMost = 16 << 20
	// sharePause and shareTries are for learning which message a file is in:
	// Slack shares it after it has answered.
	sharePause = 250 * time.Millisecond
	shareTries = 12
)

func tooLarge(f platforms.File) error {
	return rejected("The file %q is larger than the 1 GB that Slack takes. Send a smaller one.", text.Line(f.Name, 100))
}

// sendFiles sends m's files as one message, with its text.
func (c *connector) sendFiles(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	type sent struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	var all []sent
	for _, f := range m.Files {
		id, name, err := c.upload(ctx, f)
		if err != nil {
			return "", err
		}
		all = append(all, sent{id, name})
	}
	args := url.Values{"files": {encode(all)}, "channel_id": {string(m.Conversation)}}
	if t := thread(m); t != "" {
		args.Set("thread_ts", t)
	}
	if b := rich(m.Text, m.Format); b != nil {
		args.Set("blocks", encode([]slack.Block{b})) // initial_comment would be read as markup
	}
	if err := c.api.do(ctx, sendTime, "files.completeUploadExternal", args, nil); err != nil {
		return "", err
	}
	return c.shared(ctx, all[0].ID, string(m.Conversation)), nil
}

// shared is the message that a file is in, or, if Slack does not tell in time,
// the file's own id: the message is there either way.
func (c *connector) shared(ctx context.Context, id, channel string) platforms.MessageID {
	for range shareTries {
		var got struct {
			File struct {
				Shares map[string]map[string][]struct {
					TS string `json:"ts"`
				} `json:"shares"`
			} `json:"file"`
		}
		if err := c.api.do(ctx, callTime, "files.info", url.Values{"file": {id}}, &got); err != nil {
			c.log.warn(ctx, "learn which message a file is in", err)
			break
		}
		for _, where := range got.File.Shares {
			if s := where[channel]; len(s) > 0 && micros(s[len(s)-1].TS) > 0 {
				return platforms.MessageID(s[len(s)-1].TS)
			}
		}
		t := time.NewTimer(sharePause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return platforms.MessageID(id)
		}
	}
	return platforms.MessageID(id)
}

// upload gives a file to Slack, reading it while sending it, and gives its id
// and name.
func (c *connector) upload(ctx context.Context, f platforms.File) (id, name string, err error) {
	name = text.Line(path.Base(strings.ReplaceAll(f.Name, `\`, "/")), 200)
	if name == "" || name == "." || name == "/" || name == ".." {
		name = "file"
	}
	if f.Open == nil {
		return "", "", rejected("The file %q is not there any more. Attach it again.", name)
	}
	size, open := f.Size, f.Open
	if size <= 0 {
		b, err := hold(f, name)
		if err != nil {
			return "", "", err
		}
		size, open = int64(len(b)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
	}
	var to struct {
		URL string `json:"upload_url"`
		ID  string `json:"file_id"`
	}
	args := url.Values{"filename": {name}, "length": {strconv.FormatInt(size, 10)}}
	if err := c.api.do(ctx, sendTime, "files.getUploadURLExternal", args, &to); err != nil {
		return "", "", err
	}
	if to.URL == "" || to.ID == "" {
		return "", "", misunderstood(http.StatusOK)
	}
	file, err := open()
	if err != nil {
		return "", "", unread(name, err)
	}
	u := &outgoing{file: file, name: name, size: size, closed: make(chan struct{})}
	return to.ID, name, c.put(ctx, to.URL, mediaType(f), u)
}

func unread(name string, err error) error {
	kind := platforms.Temporary
	if errors.Is(err, fs.ErrNotExist) {
		kind = platforms.Rejected
	}
	return &platforms.Error{Kind: kind, Text: fmt.Sprintf("The file %q can't be read. Attach it again.", name), Err: err}
}

// hold reads a file whose size nobody knows.
func hold(f platforms.File, name string) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, unread(name, err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, heldMost+1))
	switch {
	case err != nil:
		return nil, unread(name, err)
	case len(b) > heldMost:
		return nil, rejected("Slack wants to know the size of the file %q before it is sent. Save it first, then attach it.", name)
	case len(b) == 0:
		return nil, rejected("The file %q is empty. Slack takes files with content only.", name)
	}
	return b, nil
}

func mediaType(f platforms.File) string {
	m, _, err := mime.ParseMediaType(f.MediaType)
	if err != nil {
		return "application/octet-stream"
	}
	return m
}

// put sends a file to an address that Slack gave for it, which is a secret of
// its own.
func (c *connector) put(ctx context.Context, address, kind string, u *outgoing) error {
	ctx, cancel := limited(ctx, sendTime+time.Duration(u.size/slowest)*time.Second)
	defer cancel()
	// The request's body closes u. Waiting for it keeps the promise that nothing
	// is open after Send.
	defer func() {
		select {
		case <-u.closed:
		case <-ctx.Done():
		}
	}()
	where, err := url.Parse(address)
	if err != nil || where.Scheme != "https" && !strings.HasPrefix(c.api.server, "http://") {
		_ = u.Close()
		return misunderstood(http.StatusOK)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, u)
	if err != nil {
		_ = u.Close()
		return misunderstood(http.StatusOK)
	}
	req.ContentLength = u.size
	req.Header.Set("Content-Type", kind)
	resp, err := c.api.http.Do(req)
	if err != nil {
		if own := u.failed(); own != nil {
			return own
		}
		return c.api.unreachable(ctx, platforms.RedactError(err, platforms.NewSecret(address), platforms.NewSecret(where.Path), platforms.NewSecret(where.RawQuery)))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	cause := fmt.Errorf("a file was refused with status %d", resp.StatusCode)
	switch {
	case resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests:
		return &platforms.Error{Kind: platforms.RateLimited, RetryAfter: after(resp.Header), Text: slower, Err: cause}
	case resp.StatusCode == http.StatusRequestEntityTooLarge:
		return rejected("%s", advices["file_upload_size_restricted"])
	}
	return &platforms.Error{Kind: platforms.Temporary, Text: "Slack did not take the file. The next try follows by itself.", Err: cause}
}

// outgoing reads a file and minds its size.
type outgoing struct {
	file   io.ReadCloser
	name   string // for people
	size   int64
	read   int64
	once   sync.Once
	closed chan struct{}

	mu  sync.Mutex
	err error
}

func (u *outgoing) Read(p []byte) (int, error) {
	n, err := u.file.Read(p)
	u.read += int64(n)
	switch {
	case u.read > u.size, err == io.EOF && u.read < u.size:
		return 0, u.fail(rejected("The file %q changed while it was being sent. Attach it again.", u.name))
	case err != nil && err != io.EOF:
		return n, u.fail(&platforms.Error{Kind: platforms.Temporary, Text: fmt.Sprintf("The file %q could not be read to its end. The next try follows by itself.", u.name), Err: err})
	}
	return n, err
}

func (u *outgoing) fail(err error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err = err
	return err
}

// failed is why the file could not be read, or nil.
func (u *outgoing) failed() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

func (u *outgoing) Close() (err error) {
	u.once.Do(func() {
		defer close(u.closed)
		err = u.file.Close()
	})
	return err
}

// Open is platforms.Opener's. The bot's token goes to Slack's own hosts only.
func (c *connector) Open(ctx context.Context, a platforms.Attachment) (io.ReadCloser, error) {
	var got struct {
		File struct {
			Size     int64  `json:"size"`
			Private  string `json:"url_private"`
			Download string `json:"url_private_download"`
			External bool   `json:"is_external"`
		} `json:"file"`
	}
	if err := c.api.do(ctx, callTime, "files.info", url.Values{"file": {a.Ref}}, &got); err != nil {
		return nil, err
	}
	address := got.File.Download
	if address == "" {
		address = got.File.Private
	}
	u, err := url.Parse(address)
	if err != nil || address == "" || got.File.External || !c.atSlack(u) {
		return nil, rejected("The file is not kept by Slack, so Postern does not fetch it. Open it in Slack.")
	}
	if got.File.Size > limits().Download {
		return nil, rejected("The file is larger than Postern fetches, which is 1 GB. Open it in Slack.")
	}
	ctx, cancel := limited(ctx, sendTime+time.Duration(limits().Download/slowest)*time.Second)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		cancel()
		return nil, misunderstood(http.StatusOK)
	}
	req.Header.Set("Authorization", "Bearer "+c.api.bot.Reveal())
	resp, err := c.api.http.Do(req)
	if err != nil {
		cancel()
		return nil, c.api.unreachable(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		return &incoming{body: resp.Body, ctx: ctx, api: &c.api, cancel: cancel}, nil
	}
	defer cancel()
	defer resp.Body.Close()
	switch {
	case resp.StatusCode/100 == 3 && c.signIn(resp):
		return nil, rejected("Slack does not give this file to the bot. Add the scope files:read under “OAuth & Permissions”, and install the app again.")
	case resp.StatusCode == http.StatusForbidden: // files.info has shown the scope
		return nil, rejected("Slack does not let the bot have this file. It may come from another workspace, or be shared no more, or a filter of the network keeps it back. Open it in Slack.")
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		return nil, rejected("%s", advices["file_not_found"])
	}
	return nil, foreign(resp)
}

// atSlack reports whether the token may go to an address: one of Slack's, or the
// stand-in's.
func (c *connector) atSlack(u *url.URL) bool {
	server, err := url.Parse(c.api.server)
	return err == nil && u.Scheme == server.Scheme && u.Host == server.Host || u.Scheme == "https" && strings.HasSuffix(u.Host, ".slack.com")
}

// signIn reports whether an answer leads to Slack's page for signing in, which
// is told what to show then. Other redirections are something else's: the page
// of a network, say.
func (c *connector) signIn(resp *http.Response) bool {
	u, err := resp.Location()
	return err == nil && (c.atSlack(u) || u.Scheme == "https" && u.Host == "slack.com") && u.Query().Has("redir")
}

// incoming reads a file from Slack and minds its size.
type incoming struct {
	body   io.ReadCloser
	ctx    context.Context // for telling a wish from a fault
	api    *api
	read   int64
	cancel context.CancelFunc
}

func (d *incoming) Read(p []byte) (int, error) {
	n, err := d.body.Read(p)
	d.read += int64(n)
	if d.read > limits().Download {
		return 0, rejected("The file is larger than Postern fetches, which is 1 GB. Open it in Slack.")
	}
	if err != nil && err != io.EOF {
		return n, d.api.unreachable(d.ctx, err)
	}
	return n, err
}

func (d *incoming) Close() error {
	defer d.cancel()
	return d.body.Close()
}
