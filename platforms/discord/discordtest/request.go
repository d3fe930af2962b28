package discordtest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// request is a call's parameters.
type request struct {
	name  string
	args  []string // the ids in its path
	query map[string]string
	raw   json.RawMessage
	body  map[string]any
	files map[int]File
	auth  bool
}

func (q *request) text(key string) string {
	v, _ := q.body[key].(string)
	return v
}

func (q *request) has(key string) bool { _, ok := q.body[key]; return ok }

// refusal is an answer that refuses.
type refusal struct {
	status, code int
	msg          string
	errors       any
}

func refuse(status, code int, msg string) *refusal {
	return &refusal{status: status, code: code, msg: msg}
}

// invalid is the refusal of a form because of one field.
func invalid(field, code, msg string) *refusal {
	return &refusal{status: 400, code: 50035, msg: "Invalid Form Body",
		errors: map[string]any{field: map[string]any{"_errors": []any{map[string]any{"code": code, "message": msg}}}}}
}

// nothing is an answer without content.
type nothing struct{}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// bodyMost is what the server reads of a body: ten files and what stands around
// them.
const bodyMost = 110 << 20

var versioned = regexp.MustCompile(`^/api(?:/v\d+)?(/.*)$`)

// serveCall answers a call of the REST interface.
func (s *Server) serveCall(w http.ResponseWriter, r *http.Request) {
	path := versioned.FindStringSubmatch(r.URL.Path)
	if path == nil {
		answer(w, 404, map[string]any{"message": "404: Not Found", "code": 0})
		return
	}
	rt, args, ok := find(r.Method, path[1])
	if !ok {
		answer(w, 404, map[string]any{"message": "404: Not Found", "code": 0})
		return
	}
	q, bad := read(w, r)
	q.name, q.args = rt.name(), args
	q.auth = strings.HasPrefix(r.Header.Get("Authorization"), "Bot ")
	f, failing := s.enter(q)
	if failing && !f.carriedOut() {
		s.fail(w, r, f)
		return
	}
	if !rt.open {
		s.mu.Lock()
		if s.revoked || r.Header.Get("Authorization") != "Bot "+s.token {
			bad = refuse(401, 0, "401: Unauthorized")
		}
		s.mu.Unlock()
	}
	var result any
	if bad == nil {
		s.do(func() { result, bad = rt.call(s, q) })
	}
	switch {
	case failing:
		s.fail(w, r, f)
	case bad != nil:
		body := map[string]any{"message": bad.msg, "code": bad.code}
		if bad.errors != nil {
			body["errors"] = bad.errors
		}
		answer(w, bad.status, body)
	default:
		if _, none := result.(nothing); none {
			s.answered(q, 204, nil)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		b, _ := json.Marshal(result)
		s.answered(q, 200, b)
		answer(w, 200, result)
	}
}

// answered notes what the last call of that name was answered.
func (s *Server) answered(q *request, status int, b []byte) {
	s.do(func() {
		for i := len(s.calls) - 1; i >= 0; i-- {
			if c := &s.calls[i]; c.Name == q.name && c.Status == 0 {
				c.Status, c.Answer = status, b
				return
			}
		}
	})
}

// read reads a call's query and body.
func read(w http.ResponseWriter, r *http.Request) (*request, *refusal) {
	q := &request{query: map[string]string{}, body: map[string]any{}, files: map[int]File{}}
	for k, v := range r.URL.Query() {
		q.query[k] = v[0]
	}
	r.Body = http.MaxBytesReader(w, r.Body, bodyMost)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		return q, q.form(r)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return q, refuse(413, 40005, "Request entity too large")
	}
	return q, q.json(b)
}

func (q *request) json(b []byte) *refusal {
	if len(b) == 0 {
		return nil
	}
	q.raw = b
	if json.Unmarshal(b, &q.body) != nil {
		var list []any
		if json.Unmarshal(b, &list) == nil {
			return nil
		}
		return refuse(400, 50109, "The request body contains invalid JSON.")
	}
	return nil
}

// fileMost is how large a file may be where the server has no boosts.
const fileMost = 10 << 20

func (q *request) form(r *http.Request) *refusal {
	parts, err := r.MultipartReader()
	if err != nil {
		return refuse(400, 50035, "Invalid Form Body")
	}
	for {
		p, err := parts.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return refuse(400, 50035, "Invalid Form Body")
		}
		b, err := io.ReadAll(p)
		if err != nil {
			return refuse(400, 50035, "Invalid Form Body")
		}
		if p.FormName() == "payload_json" {
			if bad := q.json(b); bad != nil {
				return bad
			}
			continue
		}
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(p.FormName(), "files["), "]"))
		if err != nil {
			return invalid("files", "NUMBER_TYPE_COERCE", "Value is not a file.")
		}
		if len(b) > fileMost {
			return refuse(413, 40005, "Request entity too large")
		}
		q.files[n] = File{Name: p.FileName(), MediaType: p.Header.Get("Content-Type"), Data: b}
	}
}

// route is one call of the interface. Calls run under the lock.
type route struct {
	method string
	path   []string // ":" stands for an id
	call   func(*Server, *request) (any, *refusal)
	open   bool // needs no token of the bot's
}

func (rt route) name() string { return rt.method + " /" + strings.Join(rt.path, "/") }

// find is the route of a request, and the ids in its path.
func find(method, path string) (route, []string, bool) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for _, rt := range routes() {
		if rt.method != method || len(rt.path) != len(parts) {
			continue
		}
		var args []string
		fits := true
		for i, p := range rt.path {
			if p == ":" {
				args = append(args, parts[i])
			}
			fits = fits && (p == ":" || p == parts[i])
		}
		if fits {
			return rt, args, true
		}
	}
	return route{}, nil, false
}

func routes() []route {
	at := func(name string, call func(*Server, *request) (any, *refusal)) route {
		method, path, _ := strings.Cut(name, " /")
		return route{method: method, path: strings.Split(path, "/"), call: call}
	}
	free := func(name string, call func(*Server, *request) (any, *refusal)) route {
		rt := at(name, call)
		rt.open = true
		return rt
	}
	return []route{
		at("GET /gateway/bot", (*Server).gatewayBot),
		free("GET /gateway", (*Server).gatewayBot),
		at("GET /users/@me", (*Server).whoAmI),
		at("GET /users/@me/guilds", (*Server).listGuilds),
		at("POST /users/@me/channels", (*Server).openDirect),
		at("GET /applications/@me", (*Server).application),
		at("GET /oauth2/applications/@me", (*Server).application),
		at("PATCH /applications/@me", (*Server).changeApplication),
		at("GET /applications/:/commands", (*Server).listCommands),
		at("POST /applications/:/commands", (*Server).addCommand),
		at("GET /channels/:", (*Server).getChannel),
		at("GET /channels/:/messages", (*Server).listMessages),
		at("POST /channels/:/messages", (*Server).createMessage),
		at("GET /channels/:/messages/:", (*Server).getMessage),
		at("PATCH /channels/:/messages/:", (*Server).editMessage),
		at("POST /channels/:/typing", (*Server).typing),
		free("POST /interactions/:/:/callback", (*Server).callback),
		free("POST /webhooks/:/:", (*Server).followUp),
		free("GET /webhooks/:/:/messages/@original", (*Server).original),
		free("PATCH /webhooks/:/:/messages/@original", (*Server).editOriginal),
	}
}
