package feishutest

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// File is a file.
type File struct {
	Name      string
	MediaType string
	Data      []byte
}

// Sizes of files, in bytes.
const (
	imageMost = 10 << 20
	fileMost  = 30 << 20
)

var fileTypes = []string{"opus", "mp4", "pdf", "doc", "xls", "ppt", "stream"}

// uploadImage is POST /open-apis/im/v1/images.
func (s *Server) uploadImage(q *request) (any, *refusal) {
	f, ok := q.files["image"]
	kind := q.text("image_type")
	switch {
	case !ok || kind != "message" && kind != "avatar":
		return nil, refuse(400, 234001, "Invalid request param.")
	case len(f.Data) == 0:
		return nil, refuse(400, 234010, "File's size can't be 0.")
	case len(f.Data) > imageMost:
		return nil, refuse(400, 234006, "The file size exceed the max value.")
	case !strings.HasPrefix(http.DetectContentType(f.Data), "image/"):
		return nil, refuse(400, 234011, "Can't recognize the image format.")
	}
	f.MediaType = http.DetectContentType(f.Data)
	return map[string]any{"image_key": s.store("img_v3_02", f)}, nil
}

// uploadFile is POST /open-apis/im/v1/files.
func (s *Server) uploadFile(q *request) (any, *refusal) {
	f, ok := q.files["file"]
	name := q.text("file_name")
	switch {
	case !ok || name == "" || !slices.Contains(fileTypes, q.text("file_type")):
		return nil, refuse(400, 234001, "Invalid request param.")
	case len(f.Data) == 0:
		return nil, refuse(400, 234010, "File's size can't be 0.")
	case len(f.Data) > fileMost:
		return nil, refuse(400, 234006, "The file size exceed the max value.")
	}
	f.Name = name
	return map[string]any{"file_key": s.store("file_v3_00", f)}, nil
}

func (s *Server) store(prefix string, f File) (key string) {
	s.do(func() {
		key = s.id(prefix)
		s.files[key] = f
	})
	return key
}

// download is a file as an answer.
type download struct{ File }

func (d download) serve(w http.ResponseWriter) {
	w.Header().Set("Content-Type", d.MediaType)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.Name}))
	_, _ = w.Write(d.Data)
}

// resource is GET /open-apis/im/v1/messages/:message_id/resources/:file_key.
func (s *Server) resource(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, key := s.posts[q.args[0]], q.args[1]
	if p == nil {
		return nil, refuse(400, 234003, "File not in message.")
	}
	f, ok := s.files[key]
	if !ok || !strings.Contains(p.content, key) {
		return nil, refuse(400, 234003, "File not in message.")
	}
	kind := q.query["type"]
	if kind != "image" && kind != "file" || (kind == "image") != strings.HasPrefix(key, "img_") {
		return nil, refuse(400, 234001, "Invalid request param.")
	}
	return download{f}, nil
}
