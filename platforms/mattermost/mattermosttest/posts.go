package mattermosttest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This file is posts, files and reactions over REST.

func decode(r *http.Request, v any) *refusal {
	if json.NewDecoder(io.LimitReader(r.Body, 4<<20)).Decode(v) != nil {
		return refuse(400, "api.context.invalid_body_param.app_error", "Invalid or missing parameter in request body.")
	}
	return nil
}

// shown is a post as it is told, with what belongs to it. The lock is held.
func (s *Server) shown(p *Post) Post {
	v := *p
	v.Metadata.Reactions = slices.Clone(p.Metadata.Reactions)
	v.Metadata.Files = nil
	for _, id := range p.FileIDs {
		if f := s.files[id]; f != nil {
			v.Metadata.Files = append(v.Metadata.Files, *f)
		}
	}
	return v
}

// add stores a post and tells of it. The lock is held.
func (s *Server) add(p *Post, quiet bool) {
	s.posts[p.ID] = p
	s.order = append(s.order, p.ID)
	if c := s.channels[p.ChannelID]; c != nil {
		c.LastPostAt = max(c.LastPostAt, p.CreateAt)
	}
	if !quiet {
		s.tell("posted", p)
	}
}

func (s *Server) tell(event string, p *Post) {
	b, _ := json.Marshal(s.shown(p))
	c := s.channels[p.ChannelID]
	data := map[string]any{"post": string(b)}
	if event == "posted" {
		data["channel_type"], data["channel_name"], data["channel_display_name"] = c.Type, c.Name, c.DisplayName
		data["sender_name"], data["team_id"], data["set_online"] = "@"+s.users[p.UserID].Username, c.TeamID, true
		var called []string
		for _, u := range s.users {
			if strings.Contains(p.Message, "@"+u.Username) {
				called = append(called, u.ID)
			}
		}
		if len(called) > 0 {
			m, _ := json.Marshal(called)
			data["mentions"] = string(m)
		}
	}
	s.broadcast(event, data, p.ChannelID)
}

func (s *Server) create(r *http.Request) (any, *refusal) {
	var p Post
	if bad := decode(r, &p); bad != nil {
		return nil, bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.pending[p.PendingID]; p.PendingID != "" && first != "" {
		return s.shown(s.posts[first]), nil
	}
	root := s.posts[p.RootID]
	switch {
	case s.channels[p.ChannelID] == nil:
		return nil, refuse(403, "api.context.permissions.app_error", "You do not have the appropriate permissions.")
	case p.RootID != "" && (root == nil || root.ChannelID != p.ChannelID || root.RootID != ""):
		return nil, refuse(400, "api.post.create_post.root_id.app_error", "Invalid RootId parameter.")
	case utf8.RuneCountInString(p.Message) > 16383:
		return nil, refuse(400, "model.post.is_valid.message_length.app_error", "Post Message property is longer than the maximum permitted length.")
	case strings.TrimSpace(p.Message) == "" && len(p.FileIDs) == 0:
		return nil, refuse(400, "api.post.create_post.empty.app_error", "The post is empty.")
	}
	for _, f := range p.FileIDs {
		if s.files[f] == nil {
			return nil, refuse(400, "api.post.create_post.file.app_error", "Invalid file.")
		}
	}
	n := &Post{ID: id(), CreateAt: s.now(), UserID: Bot, ChannelID: p.ChannelID, RootID: p.RootID, Message: p.Message,
		Props: p.Props, FileIDs: p.FileIDs, PendingID: p.PendingID}
	n.UpdateAt = n.CreateAt
	if p.PendingID != "" {
		s.pending[p.PendingID] = n.ID
	}
	s.add(n, false)
	return s.shown(n), nil
}

func (s *Server) patch(r *http.Request, post string) (any, *refusal) {
	var change struct {
		Message *string         `json:"message"`
		Props   *map[string]any `json:"props"`
	}
	if bad := decode(r, &change); bad != nil {
		return nil, bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.posts[post]
	switch {
	case p == nil || p.DeleteAt != 0:
		return nil, missing("post")
	case p.UserID != Bot:
		return nil, refuse(403, "api.context.permissions.app_error", "You do not have the appropriate permissions.")
	case change.Message != nil && utf8.RuneCountInString(*change.Message) > 16383:
		return nil, refuse(400, "model.post.is_valid.message_length.app_error", "Post Message property is longer than the maximum permitted length.")
	}
	if change.Props != nil {
		p.Props = *change.Props
	}
	if change.Message != nil && *change.Message != p.Message {
		p.Message, p.EditAt = *change.Message, s.now()
		p.UpdateAt = p.EditAt
	}
	s.tell("post_edited", p)
	return s.shown(p), nil
}

func (s *Server) react(r *http.Request) (any, *refusal) {
	var re Reaction
	if bad := decode(r, &re); bad != nil {
		return nil, bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if re.UserID != Bot || s.posts[re.PostID] == nil {
		return nil, refuse(403, "api.context.permissions.app_error", "You do not have the appropriate permissions.")
	}
	return s.reacted(re), nil
}

// reacted puts a reaction under a post. The lock is held.
func (s *Server) reacted(re Reaction) Reaction {
	p := s.posts[re.PostID]
	re.CreateAt = s.now()
	p.Metadata.Reactions = append(p.Metadata.Reactions, re)
	p.UpdateAt = re.CreateAt
	b, _ := json.Marshal(re)
	s.broadcast("reaction_added", map[string]any{"reaction": string(b)}, p.ChannelID)
	return re
}

func (s *Server) typing(r *http.Request) (any, *refusal) {
	var t struct {
		ChannelID string `json:"channel_id"`
	}
	if bad := decode(r, &t); bad != nil {
		return nil, bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.channels[t.ChannelID] == nil {
		return nil, refuse(403, "api.context.permissions.app_error", "You do not have the appropriate permissions.")
	}
	s.typed = append(s.typed, t.ChannelID)
	s.signal()
	return map[string]string{"status": "OK"}, nil
}

func (s *Server) usersByID(r *http.Request) (any, *refusal) {
	var ids []string
	if bad := decode(r, &ids); bad != nil {
		return nil, bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []User{}
	for _, id := range ids {
		if u, ok := s.users[id]; ok {
			all = append(all, u)
		}
	}
	return all, nil
}

// page is a channel's posts: since a time, before or after a post, or by page.
// The lock is held.
func (s *Server) page(r *http.Request, channel string) (any, *refusal) {
	if s.channels[channel] == nil {
		return nil, refuse(403, "api.context.permissions.app_error", "You do not have the appropriate permissions.")
	}
	q := r.URL.Query()
	number := func(key string, otherwise int) int {
		if n, err := strconv.Atoi(q.Get(key)); err == nil {
			return n
		}
		return otherwise
	}
	since, _ := strconv.ParseInt(q.Get("since"), 10, 64)
	var list []*Post // newest first
	for _, id := range slices.Backward(s.order) {
		p := s.posts[id]
		if p.ChannelID != channel || q.Has("since") && p.UpdateAt <= since && p.CreateAt <= since {
			continue
		}
		list = append(list, p)
	}
	slices.SortStableFunc(list, func(a, b *Post) int { return int(b.CreateAt - a.CreateAt) })
	switch {
	case q.Has("since"):
		list = list[:min(len(list), 1000)]
	default:
		if before := q.Get("before"); before != "" {
			i := slices.IndexFunc(list, func(p *Post) bool { return p.ID == before })
			list = list[i+1:]
		}
		if after := q.Get("after"); after != "" {
			if i := slices.IndexFunc(list, func(p *Post) bool { return p.ID == after }); i >= 0 {
				list = list[:i]
			}
		}
		per := min(max(number("per_page", 60), 1), 200)
		from := min(number("page", 0)*per, len(list))
		list = list[from:min(from+per, len(list))]
	}
	order, posts := []string{}, map[string]Post{}
	for _, p := range list {
		posts[p.ID] = s.shown(p)
		if p.DeleteAt == 0 {
			order = append(order, p.ID)
		}
	}
	return map[string]any{"order": order, "posts": posts, "next_post_id": "", "prev_post_id": ""}, nil
}

// upload takes a file as a form or as the body itself.
func (s *Server) upload(r *http.Request) (any, *refusal) {
	name, channel := r.URL.Query().Get("filename"), r.URL.Query().Get("channel_id")
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var data []byte
	var err error
	if kind == "multipart/form-data" {
		form := multipart.NewReader(r.Body, params["boundary"])
		for {
			part, e := form.NextPart()
			if e == io.EOF {
				break
			}
			if e != nil {
				return nil, refuse(400, "api.file.upload_file.read_form_value.app_error", "Error reading the form.")
			}
			b, e := io.ReadAll(part)
			switch {
			case e != nil:
				err = e
			case part.FormName() == "channel_id":
				channel = string(b)
			case part.FormName() == "files":
				data, name, kind = b, part.FileName(), part.Header.Get("Content-Type")
			}
		}
	} else {
		data, err = io.ReadAll(r.Body)
	}
	switch {
	case err != nil || r.ContentLength >= 0 && kind != "" && len(data) == 0:
		return nil, refuse(400, "api.file.upload_file.incorrect_number_of_client_ids.app_error", "The file did not arrive.")
	case len(data) > 100<<20:
		return nil, refuse(413, "api.file.upload_file.too_large.app_error", "The file is too large.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.channels[channel] == nil {
		return nil, refuse(403, "api.context.permissions.app_error", "You do not have the appropriate permissions.")
	}
	f := s.file(Bot, name, kind, data)
	return map[string]any{"file_infos": []FileInfo{*f}, "client_ids": []string{}}, nil
}

// file keeps a file. The lock is held.
func (s *Server) file(user, name, mediaType string, data []byte) *FileInfo {
	f := &FileInfo{ID: id(), UserID: user, Name: path.Base(name), Extension: strings.TrimPrefix(path.Ext(name), "."),
		MediaType: mediaType, Size: int64(len(data)), data: bytes.Clone(data)}
	s.files[f.ID] = f
	return f
}

func (s *Server) download(w http.ResponseWriter, id string) {
	s.mu.Lock()
	f := s.files[id]
	s.mu.Unlock()
	if f == nil {
		answer(w, nil, missing("file_info"))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
	_, _ = w.Write(f.data)
}
