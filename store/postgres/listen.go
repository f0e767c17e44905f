package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/notify"
)

// Wake-ups between processes go by NOTIFY. A message is a line that says which store sent it, and then a topic a line,
// or one line with an asterisk for all topics.

const (
	maxMessage = 7900 // bytes; PostgreSQL refuses 8000
	everything = "*"
	reconnect  = time.Second // from a lost connection to the next try
)

// message writes a message.
func message(sender string, topics []errand.Topic) string {
	var b strings.Builder
	b.WriteString(sender)
	for i, topic := range topics {
		if b.Len()+1+len(topic) > maxMessage {
			return sender + "\n" + everything
		}
		if !slices.Contains(topics[max(0, i-8):i], topic) {
			b.WriteString("\n" + string(topic))
		}
	}
	return b.String()
}

// newSender makes the name by which a store knows its own messages.
func newSender() string {
	var raw [6]byte
	_, _ = rand.Read(raw[:]) // it never fails
	return hex.EncodeToString(raw[:])
}

// teller sends messages after commits: what comes while one is on its way goes with the next. They are not sent in the
// transaction itself, where PostgreSQL holds a lock over the whole server from NOTIFY until the commit is on the disk, so
// that all processes would commit one after the other. A message that a crash swallows is made good by polling.
type teller struct {
	send func(topics []errand.Topic)

	mu      sync.Mutex
	pending []errand.Topic
	busy    bool
	running sync.WaitGroup
}

// maxPending is how many topics gather before everybody is woken instead.
const maxPending = 1000

func (t *teller) tell(topics []errand.Topic) {
	if len(topics) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) < maxPending {
		t.pending = append(t.pending, topics...)
	}
	if t.busy {
		return
	}
	t.busy = true
	t.running.Go(t.run)
}

func (t *teller) run() {
	for {
		t.mu.Lock()
		topics := t.pending
		t.pending = nil
		if len(topics) == 0 {
			t.busy = false
			t.mu.Unlock()
			return
		}
		t.mu.Unlock()
		t.send(topics)
	}
}

// listener receives what other processes send, while somebody waits in this one.
type listener struct {
	config  *pgx.ConnConfig
	channel string
	sender  string // of our own messages
	hub     *notify.Hub

	mu      sync.Mutex
	waiting int // subscriptions
	closed  bool
	cancel  context.CancelFunc
	done    chan struct{}
}

func (l *listener) add() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting++
	if l.waiting == 1 && !l.closed {
		ctx, cancel := context.WithCancel(context.Background())
		l.cancel, l.done = cancel, make(chan struct{})
		go l.run(ctx, l.done)
	}
}

func (l *listener) remove() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
	if l.waiting == 0 {
		l.end()
	}
}

// close ends listening for good.
func (l *listener) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.end()
}

// end stops the goroutine, where it runs, and waits for it.
func (l *listener) end() {
	if l.cancel != nil {
		l.cancel()
		<-l.done
		l.cancel = nil
	}
}

func (l *listener) run(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	for ctx.Err() == nil {
		l.listen(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(reconnect):
		}
	}
}

// listen listens until the connection is lost or ctx ends.
func (l *listener) listen(ctx context.Context) {
	c, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return // polling is the fallback
	}
	defer func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = c.Close(limited)
	}()
	if _, err := c.Exec(ctx, "LISTEN "+pgx.Identifier{l.channel}.Sanitize()); err != nil {
		return
	}
	l.hub.NotifyAll() // of what was missed until now
	for {
		n, err := c.WaitForNotification(ctx)
		if err != nil {
			return
		}
		l.pass(n.Payload)
	}
}

// pass wakes up those whom a message concerns.
func (l *listener) pass(text string) {
	sender, rest, _ := strings.Cut(text, "\n")
	switch {
	case sender == l.sender: // they know
	case rest == everything:
		l.hub.NotifyAll()
	default:
		for topic := range strings.SplitSeq(rest, "\n") {
			l.hub.Notify(errand.Topic(topic))
		}
	}
}
