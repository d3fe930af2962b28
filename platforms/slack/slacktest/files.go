package slacktest

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// File is one that somebody attached.
type File struct {
	Name, MediaType string
	Data            []byte
}

type file struct {
	File
	id, user string
	length   int64 // what was announced
	done     bool
	shares   []*message
	asked    int // files.info since it was shared
}

// uploadMost is what is taken of one file.
const uploadMost = 64 << 20

// keep stores a file. The lock is held.
func (s *Server) keep(f File, user string) *file {
	v := &file{File: f, id: s.id("F"), user: user, done: true, asked: 1}
	s.files[v.id] = v
	return v
}

func (s *Server) fileInfo(f *file) map[string]any {
	address := s.URL() + "/files-pri/" + f.id + "/" + url.PathEscape(strings.ReplaceAll(f.Name, "/", "_"))
	out := map[string]any{
		"id": f.id, "created": 1700000000, "name": f.Name, "title": f.Name, "mimetype": f.MediaType, "size": len(f.Data), "user": f.user,
		"mode": "hosted", "is_external": false, "url_private": address, "url_private_download": address, "file_access": "visible",
	}
	public, private := map[string]any{}, map[string]any{}
	for _, m := range f.shares {
		into := public
		if s.channels[m.channel].kind() != "channel" {
			into = private
		}
		shares, _ := into[m.channel].([]any)
		into[m.channel] = append(shares, map[string]any{"ts": m.ts, "thread_ts": m.thread})
	}
	out["shares"] = map[string]any{"public": public, "private": private}
	return out
}

// filesInfo knows of a new share only when asked a second time: sharing takes
// Slack a moment.
func (s *Server) filesInfo(a args) answer {
	f := s.files[a.str("file")]
	if f == nil {
		return refuse("file_not_found")
	}
	f.asked++
	info := s.fileInfo(f)
	if f.asked < 2 {
		delete(info, "shares")
	}
	return answer{"file": info}
}

func (s *Server) uploadURL(a args) answer {
	length, err := strconv.ParseInt(a.str("length"), 10, 64)
	if err != nil || length <= 0 || a.str("filename") == "" {
		return refuse("invalid_arguments")
	}
	f := &file{File: File{Name: a.str("filename")}, id: s.id("F"), user: Bot, length: length}
	s.files[f.id] = f
	id := token()
	s.uploads[id] = f
	return answer{"upload_url": s.URL() + "/upload/v1/" + id, "file_id": f.id}
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f := s.uploads[r.PathValue("id")]
	delete(s.uploads, r.PathValue("id"))
	fault, failing := s.fault("upload")
	s.mu.Unlock()
	if failing {
		s.fail(w, r, fault)
		return
	}
	if f == nil {
		http.Error(w, "no such upload", http.StatusNotFound)
		return
	}
	body := io.Reader(r.Body)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		parts, err := r.MultipartReader()
		if err != nil {
			http.Error(w, "bad form", http.StatusBadRequest)
			return
		}
		part, err := parts.NextPart()
		if err != nil {
			http.Error(w, "no part", http.StatusBadRequest)
			return
		}
		body, kind = part, part.Header.Get("Content-Type")
	}
	data, err := io.ReadAll(io.LimitReader(body, uploadMost))
	if err != nil || int64(len(data)) != f.length {
		http.Error(w, "the length differs", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	f.Data, f.MediaType, f.done = data, kind, true
	s.signal()
	s.mu.Unlock()
	_, _ = io.WriteString(w, "OK - "+strconv.Itoa(len(data)))
}

func (s *Server) completeUpload(a args) answer {
	given, ok := a.list("files")
	if !ok || len(given) == 0 {
		return refuse("invalid_arguments")
	}
	channel := a.str("channel_id")
	if channel == "" {
		channel = a.str("channels")
	}
	if channel != "" && s.channels[channel] == nil {
		return refuse("channel_not_found")
	}
	m := &message{channel: channel, user: Bot, bot: BotID, thread: a.str("thread_ts"), text: a.str("initial_comment")}
	if m.text == "" {
		blocks, ok := a.list("blocks")
		if !ok || s.invalid(blocks) != "" {
			return refuse("invalid_blocks")
		}
		m.blocks = blocks
	}
	out := []any{}
	for _, v := range given {
		f := s.files[str(object(v)["id"])]
		if f == nil || !f.done || slices.ContainsFunc(f.shares, func(m *message) bool { return m.channel == channel }) {
			return refuse("file_not_found")
		}
		m.files = append(m.files, f)
		out = append(out, map[string]string{"id": f.id, "title": f.Name})
	}
	if channel != "" {
		m.ts = s.ts()
		for _, f := range m.files {
			f.shares = append(f.shares, m)
		}
		s.publish(m)
	}
	return answer{"files": out}
}

// download gives a file to who has the bot's token, and others the way to sign
// in, as Slack does.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f := s.files[r.PathValue("id")]
	allowed := r.Header.Get("Authorization") == "Bearer "+s.bot && !s.revoked && slices.Contains(s.scopes, "files:read")
	fault, failing := s.fault("download")
	s.mu.Unlock()
	switch {
	case failing:
		s.fail(w, r, fault)
	case !allowed:
		http.Redirect(w, r, "/?redir="+url.QueryEscape(r.URL.Path), http.StatusFound)
	case f == nil:
		http.Error(w, "not found", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", f.MediaType)
		w.Header().Set("Content-Length", strconv.Itoa(len(f.Data)))
		_, _ = w.Write(f.Data)
	}
}
