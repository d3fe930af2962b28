package forward

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
)

const prefix = "whsec_"

// signingKey are the bytes of a Standard Webhooks secret; an error is an Invalid.
func signingKey(s platforms.Secret) ([]byte, error) {
	v, ok := strings.CutPrefix(s.Reveal(), prefix)
	key, err := base64.StdEncoding.DecodeString(v)
	switch {
	case !ok || err != nil:
		return nil, Invalid{"Secret", "A secret is whsec_ and then base64. Paste it whole, or make one."}
	case len(key) < 24 || len(key) > 64:
		return nil, Invalid{"Secret", "A secret has from 24 to 64 bytes. Make one."}
	}
	return key, nil
}

// sign is the timestamp and signature headers for one try: a signature with
// each key, separated by spaces.
func sign(keys [][]byte, id string, at time.Time, body []byte) (timestamp, signature string) {
	timestamp = strconv.FormatInt(at.Unix(), 10)
	var all []string
	for _, k := range keys {
		m := hmac.New(sha256.New, k)
		m.Write([]byte(id + "." + timestamp + "."))
		m.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
	}
	return timestamp, strings.Join(all, " ")
}
