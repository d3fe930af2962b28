package redact

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"

	"github.com/postern/postern/platforms"
)

// Handler is a slog.Handler that passes everything on with its texts masked, as
// Masker.Text does: messages, keys, and values of every kind, within groups
// too. Values that slog doesn't know, such as structs, become their text.
//
// Attributes bound by With are kept and masked with each record, so a secret
// that became known later is masked in them as well; what they cost is paid
// each time.
type Handler struct {
	next  slog.Handler
	mask  *Masker
	bound []binding
}

// binding is one With or WithGroup.
type binding struct {
	group string
	attrs []slog.Attr
}

// NewHandler masks the secrets that secrets returns in what goes to next.
func NewHandler(next slog.Handler, secrets func() []platforms.Secret) *Handler {
	return New(secrets).Handler(next)
}

// Handler masks what goes to next.
func (m *Masker) Handler(next slog.Handler) *Handler { return &Handler{next: next, mask: m} }

// Enabled is the wrapped handler's.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs binds attrs.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.with(binding{attrs: attrs})
}

// WithGroup puts what follows into a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(binding{group: name})
}

func (h *Handler) with(b binding) *Handler {
	bound := make([]binding, 0, len(h.bound)+1)
	return &Handler{next: h.next, mask: h.mask, bound: append(append(bound, h.bound...), b)}
}

// Handle passes the record on, masked. A record that has nothing to mask goes
// on as it is.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if len(h.bound) == 0 && h.clean(r) {
		return h.next.Handle(ctx, r)
	}
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, h.attr(a))
		return true
	})
	for i := len(h.bound) - 1; i >= 0; i-- {
		b := h.bound[i]
		if b.group != "" {
			attrs = []slog.Attr{{Key: h.mask.Text(b.group), Value: slog.GroupValue(attrs...)}}
			continue
		}
		all := make([]slog.Attr, 0, len(b.attrs)+len(attrs))
		for _, a := range b.attrs {
			all = append(all, h.attr(a))
		}
		attrs = append(all, attrs...)
	}
	out := slog.NewRecord(r.Time, r.Level, h.mask.Text(r.Message), r.PC)
	out.AddAttrs(attrs...)
	return h.next.Handle(ctx, out)
}

// clean reports that r, without a copy, may go on as it is.
func (h *Handler) clean(r slog.Record) bool {
	clean := h.mask.Text(r.Message) == r.Message
	if clean {
		r.Attrs(func(a slog.Attr) bool {
			clean = h.mask.Text(a.Key) == a.Key && h.cleanValue(a.Value)
			return clean
		})
	}
	return clean
}

func (h *Handler) cleanValue(v slog.Value) bool {
	switch v.Kind() {
	case slog.KindString:
		return h.mask.Text(v.String()) == v.String()
	case slog.KindGroup:
		for _, a := range v.Group() {
			if h.mask.Text(a.Key) != a.Key || !h.cleanValue(a.Value) {
				return false
			}
		}
		return true
	case slog.KindAny:
		return v.Any() == nil
	case slog.KindInt64, slog.KindUint64:
		return len(h.mask.texts()) == 0 // a secret may be all digits
	case slog.KindLogValuer:
		return false
	default:
		return true
	}
}

func (h *Handler) attr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: h.mask.Text(a.Key), Value: h.value(a.Value)}
}

func (h *Handler) value(v slog.Value) slog.Value {
	v = v.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(h.mask.Text(v.String()))
	case slog.KindGroup:
		group := v.Group()
		attrs := make([]slog.Attr, len(group))
		for i, a := range group {
			attrs[i] = h.attr(a)
		}
		return slog.GroupValue(attrs...)
	case slog.KindInt64, slog.KindUint64:
		if s := v.String(); h.mask.Text(s) != s {
			return slog.StringValue(mask)
		}
		return v
	case slog.KindAny:
		return h.any(v)
	default:
		return v
	}
}

// any makes text of what the wrapped handler would make text of by itself.
func (h *Handler) any(v slog.Value) slog.Value {
	switch x := v.Any().(type) {
	case nil, *slog.Source:
		return v
	case error, fmt.Stringer:
		return slog.StringValue(h.mask.Text(fmt.Sprintf("%v", x))) // fmt survives a nil receiver
	default:
		if r := reflect.ValueOf(x); r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8 {
			return slog.StringValue(h.mask.Text(string(r.Bytes()))) // json.RawMessage and its like
		}
		return slog.StringValue(h.mask.Text(fmt.Sprintf("%+v", x)))
	}
}
