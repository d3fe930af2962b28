package mattermost_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/postern/postern/platforms/mattermost/mattermosttest"
)

// specDir is Mattermost's own description of its REST interface, from
// https://github.com/mattermost/mattermost/tree/master/api/v4/source. It is not
// part of the project.
const specDir = "../../../shared/specs/mattermost"

type schema struct {
	Properties map[string]yaml.Node `yaml:"properties"`
}

// TestSpec compares what the connector calls, and the fields of the emulator's
// objects, with the interface's description.
func TestSpec(t *testing.T) {
	files, _ := filepath.Glob(specDir + "/*.yaml")
	if len(files) == 0 {
		t.Skipf("%s is not here, so nothing is compared with the interface's description", specDir)
	}
	paths, schemas := map[string]map[string]yaml.Node{}, map[string]schema{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		if filepath.Base(f) == "definitions.yaml" {
			var d struct {
				Components struct{ Schemas map[string]schema }
			}
			must(t, yaml.Unmarshal(b, &d))
			schemas = d.Components.Schemas
			continue
		}
		var p map[string]yaml.Node
		if yaml.Unmarshal(b, &p) != nil {
			continue // the introduction is no map of paths
		}
		for path, node := range p {
			var ops map[string]yaml.Node
			if strings.HasPrefix(path, "/") && node.Decode(&ops) == nil {
				paths[path] = ops
			}
		}
	}
	for _, call := range []string{"get /users/me", "get /users/{user_id}", "get /users/{user_id}/channels", "get /channels/{channel_id}",
		"get /channels/{channel_id}/posts", "get /posts/{post_id}", "post /posts", "put /posts/{post_id}/patch", "post /reactions",
		"post /files", "get /files/{file_id}", "post /users/{user_id}/typing",
		"get /users/{user_id}/teams", "get /channels/{channel_id}/members/{user_id}", "get /commands", "post /commands",
		"put /commands/{command_id}", "delete /commands/{command_id}", "put /commands/{command_id}/regen_token"} {
		method, path, _ := strings.Cut(call, " ")
		if path == "/users/me" {
			path = "/users/{user_id}"
		}
		if _, ok := paths["/api/v4"+path][method]; !ok {
			t.Errorf("there is no %s", call)
		}
	}
	s, err := mattermosttest.New(token)
	must(t, err)
	defer s.Close()
	post := s.Say(mattermosttest.Direct, mattermosttest.Person, "x")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	command := s.AddCommand(mattermosttest.Command{CreatorID: mattermosttest.Bot, TeamID: mattermosttest.Team, Trigger: "ask", Method: "P", URL: "https://bot.example/"})
	for path, name := range map[string]string{"commands/" + command.ID: "Command", "posts/" + post: "Post", "users/me": "User", "channels/" + mattermosttest.Town: "Channel"} {
		req, err := http.NewRequest("GET", s.URL()+"/api/v4/"+path, nil)
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := (&http.Client{Transport: transport}).Do(req)
		must(t, err)
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		must(t, err)
		var got map[string]any
		must(t, json.Unmarshal(b, &got))
		for field := range got {
			_, known := schemas[name].Properties[field]
			if !known && field != "is_bot" { // given for bots, and not described
				t.Errorf("%s has no field %s", name, field)
			}
		}
	}
}
