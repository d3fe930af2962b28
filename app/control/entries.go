package control

import (
	"errors"
	"net/http"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// entries gives a page of the whole journal.
func (s *Server) entries(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	after, err := number(v.Get("after"), 64)
	before, bad := number(v.Get("before"), 64)
	n, worse := limit(r)
	if err := errors.Join(err, bad, worse); err != nil {
		return err
	}
	see := lensOf(r.Context())
	if err := see.mayAny(platforms.AccountID(v.Get("account")), platforms.ConversationID(v.Get("conversation"))); err != nil {
		return err
	}
	p, err := s.b.Entries(r.Context(), api.EntryQuery{After: after, Before: before, Account: platforms.AccountID(v.Get("account")),
		Conversation: platforms.ConversationID(v.Get("conversation")), Newest: v.Get("newest") != "", Limit: n})
	p.Entries = only(p.Entries, see, mostLines, func(e api.Entry) bool { return see.reads(e.Account, e.Conversation) })
	if p.Entries == nil {
		p.Entries = []api.Entry{}
	}
	return give(w, p, err)
}
