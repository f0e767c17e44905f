package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/errandhq/errand/store/internal/sqlstore"
)

// pool holds the connections that read. A place in it is a connection, or nil while there is none yet.
type pool struct {
	path   string
	places chan *conn
}

func newPool(path string, size int) *pool {
	p := &pool{path: path, places: make(chan *conn, size)}
	for range size {
		p.places <- nil
	}
	return p
}

// read looks at the store as it is at one moment.
func (s *Store) read(ctx context.Context, label label, do func(*sqlstore.Session) error) error {
	if err := s.enter(ctx, label); err != nil {
		return err
	}
	defer s.leave()
	var c *conn
	select {
	case c = <-s.readers.places:
	case <-ctx.Done():
		return fmt.Errorf("%v: %w", label, ctx.Err())
	}
	c, err := s.readers.use(ctx, c, do)
	s.readers.places <- c
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%v: %w", label, ctx.Err())
	}
	var named *opError
	switch {
	case errors.As(err, &named):
		err = named.err
	case err != nil:
		err = fmt.Errorf("%v: %w", label, err)
	}
	return s.translate(err)
}

// use reads through a connection, which it opens if need be and returns for the next; nil where it is not fit for that.
func (p *pool) use(ctx context.Context, c *conn, do func(*sqlstore.Session) error) (*conn, error) {
	if c == nil {
		var err error
		if c, err = p.open(); err != nil {
			return nil, err
		}
	}
	background := c.in(context.Background())
	if _, err := background.Exec("BEGIN"); err != nil {
		return nil, errors.Join(err, c.close())
	}
	err := do(sqlstore.NewSession(c.in(ctx), dialect))
	if err != nil {
		err = &opError{err}
	}
	if _, end := background.Exec("ROLLBACK"); end != nil {
		return nil, errors.Join(err, end, c.close())
	}
	return c, err
}

func (p *pool) open() (*conn, error) {
	c, err := openConn(p.path, "ro")
	if err != nil {
		return nil, err
	}
	if err := c.script("PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF"); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// close closes every connection. Nobody reads any more.
func (p *pool) close() error {
	var errs []error
	for range cap(p.places) {
		if c := <-p.places; c != nil {
			errs = append(errs, c.close())
		}
	}
	return errors.Join(errs...)
}
