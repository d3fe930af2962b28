package feishutest

import (
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// request is a call's parameters.
type request struct {
	args   []string          // the ids in its path
	query  map[string]string // the first value of each
	fields map[string]any    // of a JSON body, or the texts of a form
	files  map[string]File
	size   int // of a JSON body
}

func (q *request) text(key string) string {
	v, _ := q.fields[key].(string)
	return v
}

func (q *request) fileNames() []string { return slices.Sorted(maps.Keys(q.files)) }

// bodyMost is what the server reads of a body: a file and what stands around it.
const bodyMost = 32 << 20

// read reads a call's query and body.
func read(w http.ResponseWriter, r *http.Request) (*request, *refusal) {
	q := &request{query: map[string]string{}, fields: map[string]any{}, files: map[string]File{}}
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
		return q, refuse(413, 234006, "The file size exceed the max value.")
	}
	q.size = len(b)
	if len(b) == 0 {
		return q, nil
	}
	if kind != "application/json" {
		return q, refuse(400, 9499, "Bad Request: the content type is not application/json")
	}
	if json.Unmarshal(b, &q.fields) != nil || q.fields == nil {
		return q, refuse(400, 9499, "Bad Request: the body is no JSON object")
	}
	return q, nil
}

func (q *request) form(r *http.Request) *refusal {
	parts, err := r.MultipartReader()
	if err != nil {
		return refuse(400, 234001, "Invalid request param.")
	}
	for {
		p, err := parts.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return refuse(400, 234001, "Invalid request param.")
		}
		b, err := io.ReadAll(p)
		if err != nil {
			return refuse(400, 234001, "Invalid request param.")
		}
		// Some clients give bytes without a name: the field says what it is.
		if name := p.FormName(); name == "file" || name == "image" {
			q.files[p.FormName()] = File{Name: p.FileName(), MediaType: p.Header.Get("Content-Type"), Data: b}
		} else {
			q.fields[p.FormName()] = string(b)
		}
	}
}

// route is one call of the interface.
type route struct {
	method string
	path   []string // ":" stands for an id
	call   func(*Server, *request) (any, *refusal)
	open   bool     // needs no token
	aside  bool     // AnyCall does not mean it
	scopes []string // one of them is needed
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

// The scopes that calls ask for, as each call's page in the documentation lists
// them.
var (
	toSend  = []string{"im:message", "im:message:send_as_bot", "im:message:send"}
	toEdit  = []string{"im:message", "im:message:send_as_bot", "im:message:update"}
	toRead  = []string{"im:message", "im:message:readonly"}
	toReact = []string{"im:message", "im:message.reactions:write_only"}
	toLoad  = []string{"im:resource", "im:resource:upload"}
	toFetch = []string{"im:message", "im:message:readonly", "im:message.history:readonly"}
	toChats = []string{"im:chat", "im:chat:readonly", "im:chat:read"}
	toNames = []string{"contact:contact.base:readonly", "contact:user.base:readonly"}
)

func routes() []route {
	at := func(name string, call func(*Server, *request) (any, *refusal), scopes ...string) route {
		method, path, _ := strings.Cut(name, " /")
		return route{method: method, path: strings.Split(path, "/"), call: call, scopes: scopes}
	}
	endpoint := at(Endpoint, (*Server).endpoint)
	endpoint.open, endpoint.aside = true, true
	token := at(Token, (*Server).tenantToken)
	token.open, token.aside = true, true
	user := at("GET /open-apis/contact/v3/users/:", (*Server).getUser, toNames...)
	user.aside = true
	chatInfo := at("GET /open-apis/im/v1/chats/:", (*Server).getChat, toChats...)
	chatInfo.aside = true
	return []route{
		endpoint, token, user, chatInfo,
		at("GET /open-apis/bot/v3/info", (*Server).botInfo),
		at("GET /open-apis/application/v6/scopes", (*Server).listScopes),
		at("GET /open-apis/im/v1/chats", (*Server).listChats, toChats...),
		at("POST /open-apis/im/v1/messages", (*Server).create, toSend...),
		at("GET /open-apis/im/v1/messages", (*Server).list, toRead...),
		at("GET /open-apis/im/v1/messages/:", (*Server).get, toRead...),
		at("PUT /open-apis/im/v1/messages/:", (*Server).update, toEdit...),
		at("PATCH /open-apis/im/v1/messages/:", (*Server).patch, toEdit...),
		at("POST /open-apis/im/v1/messages/:/reply", (*Server).reply, toSend...),
		at("POST /open-apis/im/v1/messages/:/reactions", (*Server).react, toReact...),
		at("DELETE /open-apis/im/v1/messages/:/reactions/:", (*Server).unreact, toReact...),
		at("GET /open-apis/im/v1/messages/:/resources/:", (*Server).resource, toFetch...),
		at("POST /open-apis/im/v1/images", (*Server).uploadImage, toLoad...),
		at("POST /open-apis/im/v1/files", (*Server).uploadFile, toLoad...),
	}
}
