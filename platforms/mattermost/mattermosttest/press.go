package mattermosttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// Action is a button under a post.
type Action struct {
	Name, URL string
	Context   json.RawMessage
}

// Actions is the buttons of a post, in rows.
func Actions(p Post) (rows [][]Action) {
	b, _ := json.Marshal(p.Props["attachments"])
	var attachments []struct {
		Actions []struct {
			Name        string `json:"name"`
			Integration struct {
				URL     string          `json:"url"`
				Context json.RawMessage `json:"context"`
			} `json:"integration"`
		} `json:"actions"`
	}
	_ = json.Unmarshal(b, &attachments)
	for _, a := range attachments {
		var row []Action
		for _, x := range a.Actions {
			row = append(row, Action{x.Name, x.Integration.URL, x.Integration.Context})
		}
		rows = append(rows, row)
	}
	return rows
}

// Press has a person press a button of a post: the server calls the button's
// address, and shows the person what it answers.
func (s *Server) Press(post, user, name string) error {
	s.mu.Lock()
	p := s.posts[post]
	if p == nil {
		s.mu.Unlock()
		return fmt.Errorf("no post %q", post)
	}
	shown := s.shown(p)
	s.mu.Unlock()
	for _, row := range Actions(shown) {
		for _, a := range row {
			if a.Name == name {
				return s.Callback(a.URL, map[string]any{"user_id": user, "user_name": "ada", "channel_id": p.ChannelID, "channel_name": "",
					"team_id": Team, "post_id": post, "trigger_id": id(), "type": "button", "data_source": "", "context": a.Context})
			}
		}
	}
	return fmt.Errorf("the post has no button %q", name)
}

// Callback calls an address as the server does, with any body.
func (s *Server) Callback(address string, body map[string]any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Post(address, "application/json", bytes.NewReader(b))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d, %w", resp.StatusCode, err)
	}
	var got struct {
		Text string `json:"ephemeral_text"`
	}
	if err := json.Unmarshal(data, &got); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, Render(got.Text))
	return nil
}

// Answers is what presses were answered with.
func (s *Server) Answers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.answers)
}
