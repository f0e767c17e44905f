package redis

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
)

const (
	earWait     = 2 * time.Second // how long Subscribe waits for the server; it goes on without it
	earPauseMin = 50 * time.Millisecond
	earPauseMax = time.Second
)

// ears listen to the server's channels while somebody waits.
type ears struct {
	mu      sync.Mutex
	waiting int // subscriptions
	closed  bool
	list    map[string]*ear
}

// ear listens to one channel.
type ear struct {
	topics []errand.Topic // that the channel tells of; none: its messages are ids of jobs
	stop   context.CancelFunc
	heard  chan struct{} // closed when the server has confirmed for the first time
	ended  chan struct{}
}

// Subscribe implements [errand.Notifier]. It returns when the server listens, or after two seconds; after an outage
// everybody is woken.
func (s *Store) Subscribe(topics ...errand.Topic) (<-chan struct{}, func()) {
	wake, cancel := s.hub.Subscribe(topics...)
	started := s.listen(topics)
	patience := time.NewTimer(earWait)
	defer patience.Stop()
	for _, e := range started {
		select {
		case <-e.heard:
		case <-patience.C:
			patience.Reset(0)
		}
	}
	return wake, sync.OnceFunc(func() {
		cancel()
		s.ears.leave()
	})
}

// listen has an ear for each topic, and returns them.
func (s *Store) listen(topics []errand.Topic) []*ear {
	s.ears.mu.Lock()
	defer s.ears.mu.Unlock()
	s.ears.waiting++
	if s.ears.closed {
		return nil
	}
	var all []*ear
	for _, topic := range topics {
		channel, sharded := s.channelOf(topic)
		if channel == "" {
			continue
		}
		e := s.ears.list[channel]
		if e == nil {
			ctx, stop := context.WithCancel(context.Background())
			e = &ear{stop: stop, heard: make(chan struct{}), ended: make(chan struct{})}
			if !strings.HasPrefix(string(topic), "j:") {
				e.topics = []errand.Topic{topic}
			}
			if s.ears.list == nil {
				s.ears.list = make(map[string]*ear)
			}
			s.ears.list[channel] = e
			go s.hear(ctx, e, channel, sharded)
		}
		all = append(all, e)
	}
	return all
}

// channelOf returns the channel that tells of a topic; empty: none.
func (s *Store) channelOf(topic errand.Topic) (channel string, sharded bool) {
	kind, name, _ := strings.Cut(string(topic), ":")
	sharded = s.publish == "SPUBLISH"
	switch kind {
	case "q":
		return s.jobsKey(name) + ":wake", sharded
	case "m":
		return s.messagesKey(name) + ":wake", sharded
	case "j":
		return s.prefix + ":gone", false
	case "w":
		return s.prefix + ":w:" + name, false
	}
	return "", false
}

// hear listens to a channel until it is told to stop.
func (s *Store) hear(ctx context.Context, e *ear, channel string, sharded bool) {
	defer close(e.ended)
	confirmed := sync.OnceFunc(func() { close(e.heard) })
	hooked := rueidis.WithOnSubscriptionHook(ctx, func(sub rueidis.PubSubSubscription) {
		confirmed()
		s.hub.Notify(e.topics...) // of what came while nobody listened
		if len(e.topics) == 0 {
			s.hub.NotifyAll()
		}
	})
	hooked = rueidis.WithOnReceiveReturnHook(hooked, func(err error, client rueidis.CommandClient) error {
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if ctx.Err() != nil && sharded {
			_ = client.Do(end, client.B().Sunsubscribe().Channel(channel).Build()).Error()
		} else if ctx.Err() != nil {
			_ = client.Do(end, client.B().Unsubscribe().Channel(channel).Build()).Error()
		}
		return err
	})
	pause := earPauseMin
	for ctx.Err() == nil {
		subscribe := s.client.B().Subscribe().Channel(channel).Build()
		if sharded {
			subscribe = s.client.B().Ssubscribe().Channel(channel).Build()
		}
		began := time.Now()
		_ = s.client.Receive(hooked, subscribe, func(m rueidis.PubSubMessage) { s.told(e, m.Message) })
		if time.Since(began) > earPauseMax {
			pause = earPauseMin
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			pause = min(2*pause, earPauseMax)
		}
	}
}

// told wakes up those whom a message concerns.
func (s *Store) told(e *ear, message string) {
	if len(e.topics) > 0 {
		s.hub.Notify(e.topics...)
		return
	}
	topics := make([]errand.Topic, 0, len(message)/16)
	for ; len(message) >= 16; message = message[16:] {
		topics = append(topics, errand.JobTopic(idOf(message[:16])))
	}
	s.hub.Notify(topics...)
}

// leave ends a subscription. With the last one all ears go.
func (a *ears) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting--
	if a.waiting == 0 {
		a.end()
	}
}

func (a *ears) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.end()
}

func (a *ears) end() {
	for _, e := range a.list {
		e.stop()
	}
	for _, e := range a.list {
		<-e.ended
	}
	a.list = nil
}
