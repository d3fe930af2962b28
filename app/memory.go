package app

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// memoryMost bounds what one responder keeps, in bytes.
const memoryMost = 1 << 20

// memory is a responder's Memory.
type memory struct {
	a  *App
	id string
}

func (m memory) name() string { return "memory/" + m.id }

func (m memory) all() (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	_, err := m.a.store.Setting(m.name(), &all)
	return all, err
}

// Get reads a value.
func (m memory) Get(key string, into any) (bool, error) {
	m.a.memories.Lock()
	defer m.a.memories.Unlock()
	all, err := m.all()
	if err != nil {
		return false, err
	}
	b, ok := all[key]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(b, into)
}

// Put keeps a value, or forgets it.
func (m memory) Put(ctx context.Context, key string, v any) error {
	m.a.memories.Lock()
	defer m.a.memories.Unlock()
	all, err := m.all()
	if err != nil {
		return err
	}
	delete(all, key)
	if v != nil {
		if all[key], err = json.Marshal(v); err != nil {
			return err
		}
	}
	size := 0
	for k, v := range all {
		size += len(k) + len(v)
	}
	if size > memoryMost {
		return &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("The responder %s keeps more than %d KiB. Remove it and set it up again.", m.id, memoryMost>>10)}
	}
	return m.a.store.PutSetting(ctx, m.name(), all)
}

func (m memory) forget(ctx context.Context) error {
	m.a.memories.Lock()
	defer m.a.memories.Unlock()
	return m.a.store.PutSetting(ctx, m.name(), map[string]json.RawMessage{})
}
