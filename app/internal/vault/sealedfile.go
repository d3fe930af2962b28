package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/postern/postern/platforms"
)

// The sealed file is text of three parts:
//
//	postern sealed secrets 1
//	sha256 <hex of everything below this line>
//	-----BEGIN AGE ENCRYPTED FILE-----   an age identity, sealed by the passphrase (scrypt)
//	-----BEGIN AGE ENCRYPTED FILE-----   a JSON object of secrets, sealed to that identity (X25519)
//
// So the slow derivation from the passphrase is needed once, at opening, and a
// change seals only the last part again, while every guess of the passphrase
// costs the whole derivation. The sum is no protection, the parts authenticate
// themselves: it tells a damaged file from a wrong passphrase. Without Postern,
// cut the two blocks into files a and b; then `age -d a > id` asks for the
// passphrase, and `age -d -i id b` shows the secrets.
const (
	fileHeader = "postern sealed secrets 1\n"
	sumPrefix  = "sha256 "

	// maxWorkFactor bounds the work that a planted file can cause: 2^20 takes
	// some 4 s. age's own is 18.
	maxWorkFactor = 20
)

func encodeFile(lock []byte, id *age.X25519Identity, held map[string]string) ([]byte, error) {
	text, err := json.Marshal(held)
	if err != nil {
		return nil, errors.New("the secrets can't be encoded")
	}
	data, err := seal(text, id.Recipient())
	if err != nil {
		return nil, err
	}
	body := append(bytes.Clone(lock), data...)
	h := sha256.Sum256(body)
	return append([]byte(fileHeader+sumPrefix+hex.EncodeToString(h[:])+"\n"), body...), nil
}

// splitFile is the file's two sealed parts, once its sum is right.
func splitFile(path string, content []byte) (lock, data []byte, err error) {
	damaged := func(detail string) error {
		return &Unavailable{Reason: Damaged, Where: path, Detail: detail}
	}
	rest, ok := bytes.CutPrefix(content, []byte(fileHeader))
	if !ok {
		if len(content) == 0 {
			return nil, nil, damaged("it is empty")
		}
		return nil, nil, damaged("it doesn't begin like a sealed file")
	}
	line, body, ok := bytes.Cut(rest, []byte("\n"))
	h := sha256.Sum256(body)
	if !ok || string(line) != sumPrefix+hex.EncodeToString(h[:]) {
		return nil, nil, damaged("it was cut short or changed")
	}
	at := bytes.LastIndex(body, []byte(armor.Header))
	if at <= 0 {
		return nil, nil, damaged("a part is missing")
	}
	return body[:at:at], body[at:], nil
}

// sealIdentity is id sealed by pass.
func sealIdentity(id *age.X25519Identity, pass platforms.Secret, workFactor int) ([]byte, error) {
	r, err := age.NewScryptRecipient(pass.Reveal())
	if err != nil {
		return nil, err
	}
	if workFactor != 0 {
		r.SetWorkFactor(workFactor)
	}
	return seal([]byte(id.String()+"\n"), r)
}

func openIdentity(path string, lock []byte, pass platforms.Secret) (*age.X25519Identity, error) {
	s, err := age.NewScryptIdentity(pass.Reveal())
	if err != nil {
		return nil, ErrWrongPassphrase // an empty one
	}
	s.SetMaxWorkFactor(maxWorkFactor)
	// scrypt takes 256 MiB once. Without this the process keeps them for minutes.
	defer debug.FreeOSMemory()
	text, err := unseal(lock, s)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, ErrWrongPassphrase
	}
	if err != nil {
		return nil, &Unavailable{Reason: Damaged, Where: path, Err: err}
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		// The parsing error could quote the identity.
		return nil, &Unavailable{Reason: Damaged, Where: path, Detail: "its identity can't be read"}
	}
	return id, nil
}

func openData(path string, data []byte, id *age.X25519Identity) (map[string]string, error) {
	text, err := unseal(data, id)
	if err != nil {
		return nil, &Unavailable{Reason: Damaged, Where: path, Detail: "its secrets can't be unsealed", Err: err}
	}
	var held map[string]string
	if json.Unmarshal(text, &held) != nil || held == nil {
		// The decoding error could quote a secret.
		return nil, &Unavailable{Reason: Damaged, Where: path, Detail: "its secrets can't be read"}
	}
	return held, nil
}

func seal(text []byte, to age.Recipient) ([]byte, error) {
	var b bytes.Buffer
	a := armor.NewWriter(&b)
	w, err := age.Encrypt(a, to)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if err := a.Close(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return b.Bytes(), nil
}

func unseal(block []byte, with age.Identity) ([]byte, error) {
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(block)), with)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
