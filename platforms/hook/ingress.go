package hook

import (
	"errors"

	"github.com/postern/postern/platforms"
)

// Serve is in's, which may be nil. An error that says nothing to a person gets
// the words closed, and is of kind NotAcknowledged.
func Serve(in platforms.Ingress, r platforms.Route, closed string) (public string, release func(), err error) {
	if in == nil {
		return "", nil, refusal(errNone, closed)
	}
	public, release, err = in.Serve(r)
	return public, release, refusal(err, closed)
}

// Address is in's, with errors as Serve has them. It opens nothing.
func Address(in platforms.Ingress, path, closed string) (string, error) {
	if in == nil {
		return "", refusal(errNone, closed)
	}
	public, err := in.Address(path)
	return public, refusal(err, closed)
}

var errNone = errors.New("no ingress")

func refusal(err error, closed string) error {
	var own *platforms.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	return &platforms.Error{Kind: platforms.NotAcknowledged, Err: err, Text: closed}
}
