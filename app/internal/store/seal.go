package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// keyIDLen is how many bytes name a key in front of what it sealed.
const keyIDLen = 4

// sealOverhead is what sealing adds: key id, nonce and tag.
const sealOverhead = keyIDLen + 12 + 16

// What opening a sealed part can meet.
var (
	errOtherKey = errors.New("sealed under another key")
	errSeal     = errors.New("the seal does not fit its place or content")
)

// sealer seals and opens parts of records with AES-256-GCM. A part is the key
// id, a random nonce, the ciphertext and the tag. The associated data binds it
// to its place, so that a part moved elsewhere does not open. Random nonces are
// good for 2³² parts under one key, which no journal of this kind reaches.
type sealer struct {
	id    [keyIDLen]byte
	aead  cipher.AEAD
	files func(id string) (passphrase string, err error)
}

func newSealer(key [32]byte) (*sealer, error) {
	derive := func(info string, n int) ([]byte, error) {
		return hkdf.Key(sha256.New, key[:], nil, "postern journal v1 "+info, n)
	}
	recordKey, err := derive("records", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the journal's key: %w", err)
	}
	id, err := derive("key id", keyIDLen)
	if err != nil {
		return nil, fmt.Errorf("derive the key's id: %w", err)
	}
	block, err := aes.NewCipher(recordKey)
	if err != nil {
		return nil, fmt.Errorf("prepare the cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("prepare the cipher: %w", err)
	}
	s := &sealer{aead: aead, files: func(name string) (string, error) {
		k, err := derive("file "+name, 32)
		if err != nil {
			return "", fmt.Errorf("derive the key of a file: %w", err)
		}
		return fmt.Sprintf("%x", k), nil
	}}
	copy(s.id[:], id)
	return s, nil
}

// seal appends the sealed part to dst.
func (s *sealer) seal(dst, plain, place []byte) []byte {
	dst = append(dst, s.id[:]...)
	return s.aead.Seal(dst, nil, plain, place)
}

// open is the content of a part. It fails with errOtherKey or errSeal.
func (s *sealer) open(part, place []byte) ([]byte, error) {
	if len(part) < sealOverhead {
		return nil, errSeal
	}
	if !bytes.Equal(part[:keyIDLen], s.id[:]) {
		return nil, errOtherKey
	}
	plain, err := s.aead.Open(nil, nil, part[keyIDLen:], place)
	if err != nil {
		return nil, errSeal
	}
	return plain, nil
}
