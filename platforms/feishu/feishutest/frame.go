package feishutest

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// This file is the frame of the long connection, a protobuf message:
//
//	message Header { required string key = 1; required string value = 2; }
//	message Frame {
//	  required uint64 SeqID = 1;  required uint64 LogID = 2;
//	  required int32 service = 3; required int32 method = 4;
//	  repeated Header headers = 5;
//	  optional string payload_encoding = 6; optional string payload_type = 7;
//	  optional bytes payload = 8; optional string LogIDNew = 9;
//	}
//
// It is written down in the platform's clients, for one in
// https://github.com/larksuite/node-sdk/tree/main/ws-client. The emulator has
// its own reading of it, apart from the client library that the connector uses.

// Methods of a frame.
const (
	control = 0 // ping and pong
	data    = 1
)

// frame is one frame. The fields that this server has no use for are kept as
// they came.
type frame struct {
	seq, log        uint64
	service, method int32
	headers         [][2]string
	encoding, kind  string
	payload         []byte
	logNew          string
}

func (f frame) header(key string) string {
	for _, h := range f.headers {
		if h[0] == key {
			return h[1]
		}
	}
	return ""
}

func (f frame) marshal() []byte {
	var b []byte
	number := func(field int, v uint64) {
		b = binary.AppendUvarint(b, uint64(field)<<3)
		b = binary.AppendUvarint(b, v)
	}
	text := func(to []byte, field int, v string) []byte {
		to = binary.AppendUvarint(to, uint64(field)<<3|2)
		to = binary.AppendUvarint(to, uint64(len(v)))
		return append(to, v...)
	}
	number(1, f.seq)
	number(2, f.log)
	number(3, uint64(uint32(f.service)))
	number(4, uint64(uint32(f.method)))
	for _, h := range f.headers {
		b = text(b, 5, string(text(text(nil, 1, h[0]), 2, h[1])))
	}
	for field, v := range map[int]string{6: f.encoding, 7: f.kind, 9: f.logNew} {
		if v != "" {
			b = text(b, field, v)
		}
	}
	return text(b, 8, string(f.payload))
}

var errFrame = errors.New("feishutest: not a frame")

// parseFrame reads a frame, and is strict about what must be there.
func parseFrame(b []byte) (frame, error) {
	var f frame
	seen := map[uint64]bool{}
	err := fields(b, func(field, v uint64, text []byte) error {
		seen[field] = true
		switch field {
		case 1:
			f.seq = v
		case 2:
			f.log = v
		case 3:
			f.service = int32(v)
		case 4:
			f.method = int32(v)
		case 5:
			var h [2]string
			if err := fields(text, func(field, _ uint64, text []byte) error {
				if field != 1 && field != 2 {
					return errFrame
				}
				h[field-1] = string(text)
				return nil
			}); err != nil {
				return err
			}
			f.headers = append(f.headers, h)
		case 6:
			f.encoding = string(text)
		case 7:
			f.kind = string(text)
		case 8:
			f.payload = append([]byte{}, text...)
		case 9:
			f.logNew = string(text)
		}
		return nil
	})
	for field := range uint64(4) {
		if !seen[field+1] {
			return f, errors.Join(err, errors.New("feishutest: a frame lacks field "+strconv.FormatUint(field+1, 10)))
		}
	}
	return f, err
}

// fields calls each with a message's fields: a number, or a text.
func fields(b []byte, each func(field, v uint64, text []byte) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return errFrame
		}
		v, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return errFrame
		}
		b = b[n+m:]
		var text []byte
		switch tag & 7 {
		case 0:
		case 2:
			if v > uint64(len(b)) {
				return errFrame
			}
			text, b = b[:v], b[v:]
		default:
			return errFrame
		}
		if err := each(tag>>3, v, text); err != nil {
			return err
		}
	}
	return nil
}
