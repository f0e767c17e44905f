package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
)

// Role says what somebody may do. A higher role may do all that a lower one may.
type Role uint8

// The roles.
const (
	Viewer   Role = iota + 1 // sees everything but payloads, results and logs
	Operator                 // sees all, and acts on jobs and queues
	Admin                    // also stops workers and empties queues
)

// String returns the role's name in lower case.
func (r Role) String() string {
	switch r {
	case Viewer:
		return "viewer"
	case Operator:
		return "operator"
	case Admin:
		return "admin"
	default:
		return fmt.Sprintf("Role(%d)", uint8(r))
	}
}

// ParseRole is the inverse of [Role.String].
func ParseRole(name string) (Role, error) {
	for r := Viewer; r <= Admin; r++ {
		if r.String() == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("role %q: use viewer, operator or admin", name)
}

// Principal is somebody who uses the dashboard.
type Principal struct {
	Name string // for the audit log
	Role Role
}

// Denial is an error of [Config.Auth] that says how to answer the request that it denies.
type Denial struct {
	Status    int    // 401 or 403. Default 403
	Challenge string // the WWW-Authenticate header of a 401
	Login     string // the URL to send the browser to instead; empty: none
}

// Error names the status.
func (d *Denial) Error() string {
	return "denied: " + http.StatusText(d.status())
}

func (d *Denial) status() int {
	if d.Status == http.StatusUnauthorized {
		return d.Status
	}
	return http.StatusForbidden
}

// User is somebody whom [BasicAuth] knows.
type User struct {
	Name     string
	Password string
	Role     Role // default Viewer
}

// BasicAuth makes a [Config.Auth] that asks for a name and a password by HTTP's basic scheme. Names and passwords are
// compared in constant time. Use it over TLS only, or on loopback. Without users it denies everybody.
func BasicAuth(users ...User) func(*http.Request) (Principal, error) {
	type known struct {
		sum [sha256.Size]byte
		who Principal
	}
	sum := func(name, password string) [sha256.Size]byte {
		n, p := sha256.Sum256([]byte(name)), sha256.Sum256([]byte(password))
		return sha256.Sum256(append(n[:], p[:]...))
	}
	var all []known
	var bad error
	for _, u := range users {
		if u.Name == "" || u.Password == "" {
			bad = errors.New("web.BasicAuth: a user without a name or a password")
		}
		all = append(all, known{sum(u.Name, u.Password), Principal{u.Name, max(u.Role, Viewer)}})
	}
	return func(r *http.Request) (Principal, error) {
		if bad != nil {
			return Principal{}, bad
		}
		name, password, _ := r.BasicAuth()
		given := sum(name, password)
		var found Principal
		for _, k := range all { // all of them, so that the time says nothing of who is known
			if subtle.ConstantTimeCompare(given[:], k.sum[:]) == 1 {
				found = k.who
			}
		}
		if found.Role == 0 {
			return found, &Denial{Status: http.StatusUnauthorized, Challenge: `Basic realm="Errand", charset="UTF-8"`}
		}
		return found, nil
	}
}
