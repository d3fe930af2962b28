package platforms

import "context"

// Registrar is an optional power of a Connector whose service can be told by an
// API where to deliver. Platform.Registers says for which accounts.
type Registrar interface {
	// Address is what the service must be told, without opening anything. It
	// fails as Ingress.Address does.
	Address() (string, error)

	// Register has the service deliver to Address from now on. values are
	// Platform.Registers' fields without the secrets, cleaned by their Parse. It looks
	// for what is registered already, at the same address or as before, and
	// changes that instead of adding a second. A zero before means that nothing
	// is known of an earlier time. If what it returns has another ID than before
	// has, before is still there: Unregister takes it back. What was done before a
	// failure is in the Steps of what it returns.
	Register(ctx context.Context, values map[string]string, secrets map[string]Secret, before Registered) (Registered, error)

	// Unregister takes back what r tells of, whatever the account's settings are
	// by now. What is gone already is no error.
	Unregister(ctx context.Context, r Registered, secrets map[string]Secret) error
}

// RegisterForm is what a service wants to know, and how to get it.
type RegisterForm struct {
	Title  string // the service's
	Fields []Field
	Setup  Guide
}

// Registered is what a service was told. It holds no secret.
type Registered struct {
	Service string            `json:"service"` // as the connector names it
	ID      string            `json:"id"`      // the service's
	Where   string            `json:"where"`   // "owner/repository", in words
	Address string            `json:"address"`
	Values  map[string]string `json:"values"` // as Register got them
	// Manual is where a person takes it back by hand, as a sentence.
	Manual string         `json:"manual"`
	Steps  []RegisterStep `json:"steps,omitempty"`
	// Awaits is what proves that it works, as a step that is still to come:
	// "GitHub's ping". Empty: whatever comes first.
	Awaits string `json:"awaits,omitempty"`
}

// RegisterStep is something that was done, or failed without making the rest
// useless.
type RegisterStep struct {
	Text string `json:"text"`
	Bad  bool   `json:"bad,omitempty"`
}
