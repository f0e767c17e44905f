package sqlserver

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
)

// Calmer is an optional ability of a Backend that looks for changes itself: to know that there have been none for a while, so
// that those who found nothing need not look again and again.
type Calmer interface {
	// Calm returns a number that every change raises, also one by another process once it is seen, and whether the last was
	// some time ago.
	Calm() (changes uint64, ok bool)
}

// longestCalm is how old an answer may be that is given again: it bounds how late what only time brings is seen, such as the end
// of a retention.
const longestCalm = time.Minute

// rests is what was found when there was nothing to do.
type rests struct {
	mu       sync.Mutex
	claims   map[string]rest // by claimant
	orders   map[string]rest // by worker
	maintain rest
	listed   rest
	listing  sqlstore.Listing
}

// rest is an answer that holds while nothing changes.
type rest struct {
	known   bool
	changes uint64
	at      time.Time // of the request
	queues  string    // that it asked
	due     time.Time // when it ends in any case; zero: never
}

const maxRests = 1000 // workers of one process

// calm returns the number of changes, and whether answers may be given again.
func (s *Store) calm() (changes uint64, ok bool) {
	if c, is := s.backend.(Calmer); is {
		return c.Calm()
	}
	return 0, false
}

// holds reports whether the answer is that of now.
func (r rest) holds(changes uint64, now time.Time, queues string) bool {
	return r.known && r.changes == changes && r.queues == queues && !now.Before(r.at) && now.Sub(r.at) < longestCalm &&
		(r.due.IsZero() || now.Before(r.due))
}

// restingClaim answers a claim that would find as little as the worker's last.
func (s *Store) restingClaim(req *errand.ClaimRequest) (reply errand.ClaimReply, ok bool) {
	changes, calm := s.calm()
	if !calm {
		return reply, false
	}
	s.rests.mu.Lock()
	defer s.rests.mu.Unlock()
	r := s.rests.claims[req.Claimant()]
	return errand.ClaimReply{NextDue: r.due}, r.holds(changes, req.Now, queuesOf(req))
}

func queuesOf(req *errand.ClaimRequest) string {
	return strings.Join(slices.Sorted(slices.Values(req.Queues)), "\x00")
}

// restClaim notes that there was nothing to claim when there had been so many changes.
func (s *Store) restClaim(req *errand.ClaimRequest, reply errand.ClaimReply, changes uint64) {
	s.rests.mu.Lock()
	defer s.rests.mu.Unlock()
	noteRest(&s.rests.claims, req.Claimant(), rest{true, changes, req.Now, queuesOf(req), reply.NextDue})
}

func noteRest(by *map[string]rest, worker string, r rest) {
	if *by == nil || len(*by) >= maxRests {
		*by = make(map[string]rest)
	}
	(*by)[worker] = r
}

// restingOrders reports whether nothing was asked of the worker when somebody last looked, and nothing has been since.
func (s *Store) restingOrders(worker string) bool {
	changes, calm := s.calm()
	s.rests.mu.Lock()
	defer s.rests.mu.Unlock()
	return calm && s.rests.orders[worker].holds(changes, time.Now(), "")
}

func (s *Store) restOrders(worker string, changes uint64) {
	s.rests.mu.Lock()
	defer s.rests.mu.Unlock()
	noteRest(&s.rests.orders, worker, rest{known: true, changes: changes, at: time.Now()})
}

// restingMaintain reports whether there was nothing to be done the last time, nor anything that soon might be.
func (s *Store) restingMaintain(now time.Time) bool {
	changes, calm := s.calm()
	s.rests.mu.Lock()
	defer s.rests.mu.Unlock()
	return calm && s.rests.maintain.holds(changes, now, "")
}

func (s *Store) restMaintain(r rest) {
	s.rests.mu.Lock()
	defer s.rests.mu.Unlock()
	s.rests.maintain = r
}

// restingListing returns what the queues were when somebody last looked, where nothing has changed.
func (s *Store) restingListing() (sqlstore.Listing, bool) {
	changes, calm := s.calm()
	s.rests.mu.Lock()
	defer s.rests.mu.Unlock()
	return s.rests.listing, calm && s.rests.listed.holds(changes, time.Now(), "")
}

func (s *Store) restListing(listing sqlstore.Listing, changes uint64) {
	s.rests.mu.Lock()
	defer s.rests.mu.Unlock()
	s.rests.listed, s.rests.listing = rest{known: true, changes: changes, at: time.Now()}, listing
}
