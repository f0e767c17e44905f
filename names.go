package errand

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"
)

// NewID makes a job id: a UUIDv7, so that ids made later by this process sort after ids made earlier.
func NewID() string {
	return uuid.Must(uuid.NewV7FromReader(randomness{})).String() // it never fails
}

// randomness is Go's own generator, which the system seeds: an id has to be unique, not secret, and to ask the system for the
// randomness of each is a twentieth of what an enqueue by many costs.
type randomness struct{}

func (randomness) Read(b []byte) (int, error) {
	n := len(b)
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, rand.Uint64())
	}
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return n, nil
}

// CheckID reports what is wrong with a job's id: it must be the 36 characters of a UUIDv7, as [NewID] makes them.
func CheckID(id string) error {
	u, err := parseID(id)
	if err == nil && u.Version() != 7 {
		err = fmt.Errorf("%w: job id %s is a UUID of version %d: use version 7, which sorts by time", ErrInvalid, id, u.Version())
	}
	return err
}

func parseID(id string) (uuid.UUID, error) {
	if len(id) != 36 {
		return uuid.UUID{}, fmt.Errorf("%w: job id %.100q: use the 36 characters of a UUID", ErrInvalid, id)
	}
	u, err := uuid.Parse(id)
	if err != nil {
		return uuid.UUID{}, fmt.Errorf("%w: job id %.100q: %w", ErrInvalid, id, err)
	}
	return u, nil
}

// CheckName reports what is wrong with the name of a queue or task: it must have 1 to [MaxNameBytes] of the characters
// A-Z a-z 0-9 _ . : -. The kind ("queue", "task") is for the error.
func CheckName(kind, name string) error {
	if name == "" {
		return fmt.Errorf("%w: %s name is empty", ErrInvalid, kind)
	}
	if len(name) > MaxNameBytes {
		return fmt.Errorf("%w: %s name %.40q... has %d characters: use at most %d", ErrInvalid, kind, name, len(name), MaxNameBytes)
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '_', c == '.', c == ':', c == '-':
		default:
			return fmt.Errorf("%w: %s name %q: use only letters A-Z a-z, digits and _ . : -", ErrInvalid, kind, name)
		}
	}
	return nil
}
