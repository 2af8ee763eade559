package store_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"mooring"
	"mooring/internal/store"
)

// FuzzMemory feeds the decoder anything. What it takes, it must write as it was read.
func FuzzMemory(f *testing.F) {
	body, err := memory(1).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"version":99}`))
	f.Add([]byte(`{"version":1,"addresses":[{"addr":"10.0.1.5","evidence_nats":1e308}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := mooring.DecodeMemory(body)
		if err != nil {
			if !errors.Is(err, mooring.ErrMemory) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if m.Version != mooring.MemoryVersion {
			t.Fatalf("version %d was read", m.Version)
		}
		first, err := m.Encode()
		if err != nil {
			t.Fatalf("read, and not writable: %v", err)
		}
		again, err := mooring.DecodeMemory(first)
		if err != nil {
			t.Fatalf("written, and not readable: %v", err)
		}
		second, err := again.Encode()
		if err != nil || !bytes.Equal(first, second) || !m.Same(again) {
			t.Fatalf("changed by being written:\n%s\n%s\n%v", first, second, err)
		}
	})
}

// FuzzLegacy feeds the readers of older functions' objects anything. What they take, a memory must be able to hold.
func FuzzLegacy(f *testing.F) {
	f.Add([]byte(`{"IPList": ["10.0.1.5"], "IPCount": 1}`))
	f.Add([]byte(`"{\"10.0.1.6\": 2}"`))
	f.Add([]byte(`{"::ffff:10.0.1.6": 9223372036854775807}`))
	f.Add([]byte(strings.Repeat("[", 100_000)))
	f.Fuzz(func(t *testing.T, body []byte) {
		addrs, err := store.DecodeActive(body)
		if err != nil && addrs != nil {
			t.Errorf("%s beside the error %v", addrs, err)
		}
		missed, err := store.DecodePending(body)
		if err != nil && missed != nil {
			t.Errorf("%v beside the error %v", missed, err)
		}
		for a, n := range missed {
			if n < 0 || n > 1000 {
				t.Errorf("%s missed %d times", a, n)
			}
			addrs = append(addrs, a)
		}
		for _, a := range addrs {
			m := mooring.Memory{Version: mooring.MemoryVersion, Addresses: []mooring.Entry{{Addr: a}}}
			body, err := m.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mooring.DecodeMemory(body); err != nil {
				t.Errorf("%s would spoil the memory: %v", a, err)
			}
		}
	})
}
