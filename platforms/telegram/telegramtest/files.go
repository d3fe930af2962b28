package telegramtest

import (
	"bytes"
	"image"
	_ "image/gif" // the formats that are taken as photos
	_ "image/jpeg"
	_ "image/png"
	"net/http"
	"path"
	"strings"
)

// stored is a file on the server.
type stored struct {
	File
	id, path string
	size     int64 // as told; more than there is for files that are only named
}

// downloadMost is the largest file that getFile gives out.
const downloadMost = 20_000_000

// store keeps a file; s.mu is held.
func (s *Server) store(kind string, f File) *stored {
	id := s.serial("AgACAgIAAx-" + kind + "-")
	st := &stored{File: f, id: id, path: kind + "s/" + s.serial("file_") + path.Ext(f.Name), size: int64(len(f.Data))}
	s.files[id] = st
	return st
}

func (st *stored) object() *fileObject {
	return &fileObject{FileID: st.id, FileUniqueID: "u" + st.id[len(st.id)-8:], FileName: st.Name, MimeType: st.MediaType, FileSize: st.size}
}

// attach puts a file on a message as the kind says, with the fields that the
// documentation requires of it.
func (p *post) attach(kind string, st *stored) {
	zero := 0
	o := st.object()
	p.file = &st.File
	switch kind {
	case "photo":
		full, small := *o, *o
		full.FileName, full.MimeType, small.FileName, small.MimeType = "", "", "", ""
		w, h, ws, hs := 1280, 960, 90, 67
		full.Width, full.Height, small.Width, small.Height = &w, &h, &ws, &hs
		small.FileID, small.FileUniqueID, small.FileSize = st.id+"-thumb", o.FileUniqueID+"t", 1000
		p.Photo = []fileObject{small, full}
	case "audio":
		o.Duration = &zero
		p.Audio = o
	case "voice":
		o.Duration, o.FileName = &zero, ""
		p.Voice = o
	case "video":
		o.Duration, o.Width, o.Height = &zero, &zero, &zero
		p.Video = o
	case "animation": // "For backward compatibility, when this field is set, the document field will also be set."
		doc := *o
		o.Duration, o.Width, o.Height = &zero, &zero, &zero
		p.Animation, p.Document = o, &doc
	default:
		p.Document = o
	}
}

func (s *Server) sendFile(q *request) (result any, refused *refusal) {
	kind := strings.ToLower(strings.TrimPrefix(q.method, "send"))
	s.do(func() {
		c, p, r := s.draft(q)
		if r == nil {
			r = p.write(q, "caption")
		}
		var st *stored
		if r == nil {
			st, r = s.uploaded(q, kind)
		}
		if refused = r; r != nil {
			return
		}
		p.attach(kind, st)
		result = s.keep(c, p)
	})
	return result, refused
}

// uploaded is the file of a send method: in the field of its kind, in another
// one that this names with attach://, or known already; s.mu is held.
func (s *Server) uploaded(q *request, kind string) (*stored, *refusal) {
	field := kind
	if name, ok := strings.CutPrefix(q.values[kind], "attach://"); ok {
		field = name
	}
	f, ok := q.files[field]
	if !ok {
		if st := s.files[q.values[kind]]; st != nil {
			return st, nil
		}
		if q.values[kind] == "" {
			return nil, badRequest("there is no " + kind + " in the request")
		}
		return nil, badRequest("wrong remote file identifier specified: Wrong string length")
	}
	switch {
	case len(f.Data) == 0:
		return nil, badRequest("file must be non-empty")
	case len(f.Data) > uploadMost:
		return nil, refuse(413, "Request Entity Too Large")
	case kind == "photo" && len(f.Data) > 10_000_000:
		return nil, badRequest("file is too big")
	}
	if kind == "photo" {
		size, _, err := image.DecodeConfig(bytes.NewReader(f.Data))
		if err != nil {
			return nil, badRequest("IMAGE_PROCESS_FAILED")
		}
		if size.Width+size.Height > 10000 || size.Width > 20*size.Height || size.Height > 20*size.Width {
			return nil, badRequest("PHOTO_INVALID_DIMENSIONS")
		}
	}
	return s.store(kind, f), nil
}

func (s *Server) getFile(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.files[strings.TrimSuffix(q.values["file_id"], "-thumb")]
	switch {
	case st == nil:
		return nil, badRequest("wrong file_id or the file is temporarily unavailable")
	case st.size > downloadMost:
		return nil, badRequest("file is too big")
	}
	o := st.object()
	return fileObject{FileID: o.FileID, FileUniqueID: o.FileUniqueID, FileSize: o.FileSize, FilePath: st.path}, nil
}

func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, token, name string) {
	f, failing := s.enter(&request{method: "file", values: map[string]string{"path": name}})
	if failing {
		s.fail(w, r, f)
		return
	}
	if !s.knows(token) {
		answer(w, nil, refuse(401, "Unauthorized"))
		return
	}
	s.mu.Lock()
	var found *stored
	for _, st := range s.files {
		if st.path == name {
			found = st
		}
	}
	s.mu.Unlock()
	if found == nil {
		answer(w, nil, refuse(404, "Not Found"))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(found.Data)
}
