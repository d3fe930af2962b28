package platforms

import "context"

// requestKey is the name of a request, in its context.
type requestKey struct{}

// WithRequest gives a request's context the name under which whoever serves it
// knows it. It is unique in one process and tells nothing.
func WithRequest(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, requestKey{}, name)
}

// RequestOf is that name, empty where there is none. A connector puts it into
// Event.Request of what the request brought.
func RequestOf(ctx context.Context) string {
	name, _ := ctx.Value(requestKey{}).(string)
	return name
}
