package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/postern/postern/app/control/api"
)

// Entries is a page of the whole journal. To read on, take its To for the
// query's After, or its From for Before if the newest were asked for.
func (c *Client) Entries(ctx context.Context, q api.EntryQuery) (out api.EntryPage, err error) {
	v := url.Values{"after": {number(q.After)}, "before": {number(q.Before)}, "limit": {number(q.Limit)}}
	if q.Account != "" {
		v.Set("account", string(q.Account))
	}
	if q.Conversation != "" {
		v.Set("conversation", string(q.Conversation))
	}
	if q.Newest {
		v.Set("newest", "1")
	}
	err = c.call(ctx, http.MethodGet, "entries", v, nil, &out)
	return out, err
}
