package webhooktest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (s *API) has(place string) bool {
	return slices.ContainsFunc(s.places, func(p string) bool { return strings.EqualFold(p, place) })
}

// gitHub is under /api/v3, as with GitHub Enterprise Server.
func (s *API) gitHub(w http.ResponseWriter, r *http.Request, path []string, body []byte) {
	refuse := func(status int, words string) {
		answer(w, status, map[string]any{"message": words, "status": strconv.Itoa(status)})
	}
	switch {
	case r.Header.Get("User-Agent") == "":
		refuse(http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
		return
	case r.Header.Get("Authorization") != "Bearer "+Token:
		refuse(http.StatusUnauthorized, "Bad credentials")
		return
	case len(path) < 5 || path[0] != "api" || path[1] != "v3":
		refuse(http.StatusNotFound, "Not Found")
		return
	}
	where, rest := "", []string(nil)
	switch {
	case path[2] == "repos" && len(path) >= 6 && path[5] == "hooks":
		where, rest = path[3]+"/"+path[4], path[6:]
	case path[2] == "orgs" && path[4] == "hooks":
		where, rest = path[3], path[5:]
	}
	if !s.has(where) {
		refuse(http.StatusNotFound, "Not Found")
		return
	}
	view := func(h Hook) map[string]any {
		insecure := "0"
		if h.Insecure {
			insecure = "1"
		}
		id, _ := strconv.Atoi(h.ID)
		config := map[string]any{"url": h.URL, "insecure_ssl": insecure, "content_type": "form"}
		if h.JSON {
			config["content_type"] = "json"
		}
		if h.Secret != "" {
			config["secret"] = "********"
		}
		self := "http://" + r.Host + "/" + strings.Join(path[:len(path)-len(rest)], "/") + "/" + h.ID
		return map[string]any{"type": "Repository", "id": id, "name": "web", "active": !h.Off, "events": h.Events, "config": config,
			"url": self, "test_url": self + "/test", "ping_url": self + "/pings", "deliveries_url": self + "/deliveries",
			"created_at": "2026-06-03T00:57:16Z", "updated_at": "2026-06-03T00:57:16Z",
			"last_response": map[string]any{"code": nil, "status": "unused", "message": nil}}
	}
	read := func(h *Hook) bool {
		var in struct {
			Name   string   `json:"name"`
			Active *bool    `json:"active"`
			Events []string `json:"events"`
			Config *struct {
				URL         string `json:"url"`
				ContentType string `json:"content_type"`
				Secret      string `json:"secret"`
				InsecureSSL any    `json:"insecure_ssl"`
			} `json:"config"`
		}
		if json.Unmarshal(body, &in) != nil || in.Config == nil || in.Config.URL == "" || in.Name != "" && in.Name != "web" {
			answer(w, http.StatusUnprocessableEntity, map[string]any{"message": "Validation Failed", "errors": []any{map[string]string{"resource": "Hook", "code": "custom", "message": "Config must contain URL for webhooks"}}})
			return false
		}
		h.URL, h.Secret, h.JSON, h.Events = in.Config.URL, in.Config.Secret, in.Config.ContentType == "json", in.Events
		if len(h.Events) == 0 {
			h.Events = []string{"push"}
		}
		h.Insecure = in.Config.InsecureSSL == "1" || in.Config.InsecureSSL == float64(1)
		h.Off = in.Active != nil && !*in.Active
		return true
	}
	ping := func(h Hook) {
		id, _ := strconv.Atoi(h.ID)
		s.later(h.ID, "ping", map[string]any{"zen": "Keep it logically awesome.", "hook_id": id, "hook": view(h), "repository": map[string]any{"full_name": where}, "sender": map[string]any{"login": "octocat", "id": 1, "type": "User"}})
	}
	switch {
	case len(rest) == 0 && r.Method == http.MethodGet:
		list := []any{}
		for _, h := range s.list(w, r, where, "per_page") {
			list = append(list, view(h))
		}
		answer(w, http.StatusOK, list)
	case len(rest) == 0 && r.Method == http.MethodPost:
		h := Hook{Where: where}
		if !read(&h) {
			return
		}
		s.mu.Lock()
		if slices.ContainsFunc(s.hooks, func(o Hook) bool { return o.Where == where && o.URL == h.URL }) {
			s.mu.Unlock()
			answer(w, http.StatusUnprocessableEntity, map[string]any{"message": "Validation Failed", "errors": []any{map[string]string{"resource": "Hook", "code": "custom", "message": "Hook already exists on this repository"}}})
			return
		}
		h.ID = s.addLocked(h)
		s.mu.Unlock()
		answer(w, http.StatusCreated, view(h))
		ping(h)
	case len(rest) >= 1:
		s.mu.Lock()
		i := s.index(rest[0])
		if i < 0 || s.hooks[i].Where != where {
			s.mu.Unlock()
			refuse(http.StatusNotFound, "Not Found")
			return
		}
		h := s.hooks[i]
		switch {
		case len(rest) == 2 && rest[1] == "pings" && r.Method == http.MethodPost:
			s.mu.Unlock()
			w.WriteHeader(http.StatusNoContent)
			ping(h)
		case len(rest) == 1 && r.Method == http.MethodPatch:
			if read(&h) {
				s.hooks[i] = h
				answer(w, http.StatusOK, view(h))
			}
			s.mu.Unlock()
		case len(rest) == 1 && r.Method == http.MethodDelete:
			s.hooks = slices.Delete(s.hooks, i, i+1)
			s.mu.Unlock()
			w.WriteHeader(http.StatusNoContent)
		default:
			s.mu.Unlock()
			refuse(http.StatusNotFound, "Not Found")
		}
	default:
		refuse(http.StatusNotFound, "Not Found")
	}
}

// gitLab is under /api/v4.
func (s *API) gitLab(w http.ResponseWriter, r *http.Request, path []string, body []byte) {
	refuse := func(status int, words any) { answer(w, status, map[string]any{"message": words}) }
	switch {
	case r.Header.Get("PRIVATE-TOKEN") != Token:
		refuse(http.StatusUnauthorized, "401 Unauthorized")
		return
	case len(path) < 5 || path[0] != "api" || path[1] != "v4" || path[2] != "projects" || path[4] != "hooks":
		refuse(http.StatusNotFound, "404 Not Found")
		return
	}
	where, _ := url.PathUnescape(path[3])
	rest := path[5:]
	if !s.has(where) {
		refuse(http.StatusNotFound, "404 Project Not Found")
		return
	}
	view := func(h Hook) map[string]any {
		id, _ := strconv.Atoi(h.ID)
		out := map[string]any{"id": id, "url": h.URL, "enable_ssl_verification": !h.Insecure, "alert_status": "executable", "disabled_until": nil}
		if h.Off {
			out["alert_status"] = "disabled"
		}
		for _, e := range h.Events {
			out[e+"_events"] = true
		}
		return out
	}
	read := func(h *Hook) bool {
		var in map[string]any
		if json.Unmarshal(body, &in) != nil {
			refuse(http.StatusBadRequest, "400 Bad request")
			return false
		}
		address, _ := in["url"].(string)
		if u, err := url.Parse(address); err != nil || u.Host == "" {
			refuse(http.StatusUnprocessableEntity, map[string]any{"url": []string{"is blocked: Only allowed schemes are http, https"}})
			return false
		}
		if address != h.URL {
			h.Secret = "" // a change of the address resets it
		}
		h.URL = address
		if token, ok := in["token"].(string); ok {
			h.Secret = token
		}
		h.Insecure = in["enable_ssl_verification"] != true
		h.Events = nil
		for name, on := range in {
			if e, ok := strings.CutSuffix(name, "_events"); ok && on == true {
				h.Events = append(h.Events, e)
			}
		}
		slices.Sort(h.Events)
		return true
	}
	switch {
	case len(rest) == 0 && r.Method == http.MethodGet:
		list := []any{}
		for _, h := range s.list(w, r, where, "per_page") {
			list = append(list, view(h))
		}
		answer(w, http.StatusOK, list)
	case len(rest) == 0 && r.Method == http.MethodPost:
		h := Hook{Where: where}
		if read(&h) {
			h.ID = s.Add(h)
			answer(w, http.StatusCreated, view(h))
		}
	case len(rest) >= 1:
		s.mu.Lock()
		i := s.index(rest[0])
		if i < 0 || s.hooks[i].Where != where {
			s.mu.Unlock()
			refuse(http.StatusNotFound, "404 Not found")
			return
		}
		h := s.hooks[i]
		switch {
		case len(rest) == 3 && rest[1] == "test" && r.Method == http.MethodPost:
			s.mu.Unlock()
			// It waits for the receiver before it answers.
			kind := strings.TrimSuffix(rest[2], "_events")
			b, _ := json.Marshal(map[string]any{"object_kind": kind, "event_name": kind, "ref": "refs/heads/main", "user_id": 1, "user_username": "root", "total_commits_count": 1,
				"project": map[string]any{"path_with_namespace": where}})
			s.mu.Lock()
			quiet := s.quiet
			s.mu.Unlock()
			if !quiet && s.Event(h.ID, "Push Hook", b)/100 != 2 {
				refuse(http.StatusUnprocessableEntity, "Hook execution failed")
				return
			}
			answer(w, http.StatusCreated, map[string]string{"message": "201 Created"})
		case len(rest) == 1 && r.Method == http.MethodPut:
			if read(&h) {
				s.hooks[i] = h
				answer(w, http.StatusOK, view(h))
			}
			s.mu.Unlock()
		case len(rest) == 1 && r.Method == http.MethodDelete:
			s.hooks = slices.Delete(s.hooks, i, i+1)
			s.mu.Unlock()
			w.WriteHeader(http.StatusNoContent)
		default:
			s.mu.Unlock()
			refuse(http.StatusNotFound, "404 Not Found")
		}
	default:
		refuse(http.StatusMethodNotAllowed, "405 Not Allowed")
	}
}

// webex is under /v1.
func (s *API) webex(w http.ResponseWriter, r *http.Request, path []string, body []byte) {
	refuse := func(status int, words string) {
		answer(w, status, map[string]any{"message": words, "errors": []any{map[string]string{"description": words}}, "trackingId": "ROUTER_5F2F1C2A"})
	}
	switch {
	case r.Header.Get("Authorization") != "Bearer "+Token:
		refuse(http.StatusUnauthorized, "The request requires a valid access token set in the Authorization request header.")
		return
	case len(path) < 2 || path[0] != "v1" || path[1] != "webhooks":
		refuse(http.StatusNotFound, "The requested resource could not be found.")
		return
	}
	rest := path[2:]
	type hook struct {
		ID       string `json:"id,omitempty"`
		Name     string `json:"name"`
		Target   string `json:"targetUrl"`
		Resource string `json:"resource,omitempty"`
		Event    string `json:"event,omitempty"`
		Filter   string `json:"filter,omitempty"`
		Secret   string `json:"secret,omitempty"`
		Status   string `json:"status,omitempty"`
	}
	view := func(h Hook) hook {
		// It does give the secret back.
		out := hook{ID: h.ID, Name: "hook", Target: h.URL, Resource: h.Events[0], Event: h.Events[1], Filter: h.Events[2], Secret: h.Secret, Status: "active"}
		if h.Off {
			out.Status = "inactive"
		}
		return out
	}
	var in hook
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		if json.Unmarshal(body, &in) != nil || in.Name == "" || in.Target == "" || r.Method == http.MethodPost && (in.Resource == "" || in.Event == "") {
			refuse(http.StatusBadRequest, "The request could not be understood by the server due to malformed syntax.")
			return
		}
	}
	s.mu.Lock()
	i := -1
	if len(rest) == 1 {
		i = s.index(rest[0])
	}
	s.mu.Unlock()
	switch {
	case len(rest) == 0 && r.Method == http.MethodGet:
		items := []hook{}
		for _, h := range s.list(w, r, "", "max") {
			items = append(items, view(h))
		}
		answer(w, http.StatusOK, map[string]any{"items": items})
	case len(rest) == 0 && r.Method == http.MethodPost:
		h := Hook{URL: in.Target, Secret: in.Secret, Events: []string{in.Resource, in.Event, in.Filter}}
		h.ID = s.Add(h)
		answer(w, http.StatusOK, view(h))
	case i < 0:
		refuse(http.StatusNotFound, "The requested resource could not be found.")
	case r.Method == http.MethodGet:
		answer(w, http.StatusOK, view(s.Hooks()[i]))
	case r.Method == http.MethodPut:
		if in.Resource != "" || in.Event != "" || in.Filter != "" {
			refuse(http.StatusBadRequest, "resource, event and filter can't be changed")
			return
		}
		s.mu.Lock()
		h := &s.hooks[i]
		h.URL, h.Secret = in.Target, in.Secret
		h.Off = h.Off && in.Status != "active"
		out := view(*h)
		s.mu.Unlock()
		answer(w, http.StatusOK, out)
	case r.Method == http.MethodDelete:
		s.mu.Lock()
		s.hooks = slices.Delete(s.hooks, i, i+1)
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(http.StatusMethodNotAllowed, "Method not allowed")
	}
}
