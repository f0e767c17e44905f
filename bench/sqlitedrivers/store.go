package sqlitedrivers

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

const schema = `
CREATE TABLE jobs (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	id      BLOB NOT NULL UNIQUE,
	queue   TEXT NOT NULL,
	state   INTEGER NOT NULL,
	rank    INTEGER NOT NULL,
	task    TEXT NOT NULL,
	payload BLOB NOT NULL,
	token   INTEGER NOT NULL DEFAULT 0,
	attempt INTEGER NOT NULL DEFAULT 0,
	lease   INTEGER NOT NULL DEFAULT 0,
	worker  TEXT NOT NULL DEFAULT '',
	created INTEGER NOT NULL
);
CREATE INDEX jobs_claim ON jobs (queue, state, rank)`

const (
	insertRow  = `INSERT INTO jobs (id, queue, state, rank, task, payload, created) VALUES `
	insertTail = `(?, ?, ?, ?, ?, ?, ?)`

	selectQueued = `SELECT seq, id, task, payload, attempt FROM jobs WHERE queue = ? AND state = ? ORDER BY rank LIMIT ?`
	claimRow     = `UPDATE jobs SET state = ?, token = token + 1, attempt = attempt + 1, lease = ?, worker = ? WHERE seq = ?`
	claimList    = `UPDATE jobs SET state = ?, token = token + 1, attempt = attempt + 1, lease = ?, worker = ? WHERE seq IN (SELECT value FROM json_each(?))`
	claimAll     = `UPDATE jobs SET state = ?, token = token + 1, attempt = attempt + 1, lease = ?, worker = ?
WHERE seq IN (SELECT seq FROM jobs WHERE queue = ? AND state = ? ORDER BY rank LIMIT ?)
RETURNING seq, id, task, payload, attempt`

	deleteRow  = `DELETE FROM jobs WHERE seq = ? AND token = ?`
	deleteList = `DELETE FROM jobs WHERE token = ? AND seq IN (SELECT value FROM json_each(?))`
	// deletePairs fences every row by its own token and says which rows it met.
	deletePairs = `DELETE FROM jobs WHERE (seq, token) IN (SELECT value->>0, value->>1 FROM json_each(?)) RETURNING seq`
)

const (
	queued  = 3
	started = 4
	queue   = "mail"
	worker  = "host-1:4711"

	perInsert = 50 // rows of one multi-row INSERT
)

// job is what an insert writes and a claim returns.
type job struct {
	seq     int64
	id      uuid.UUID
	task    string
	payload []byte
}

// store holds a connection and the prepared statements of every shape.
type store struct {
	conn
	insert, insertMany                 stmt
	sel, claimRow, claimList, claimAll stmt
	deleteRow, deleteList, deletePairs stmt

	rank    int64 // of the last job inserted
	claimed []job
	seqs    []int64
}

func newStore(c conn, synchronous string) (*store, error) {
	setup := append(strings.Split(schema, ";"), "PRAGMA synchronous = "+synchronous)
	for _, q := range append([]string{"PRAGMA journal_mode = WAL"}, setup...) {
		if err := c.exec(q); err != nil {
			return nil, fmt.Errorf("%s: %w", q, err)
		}
	}
	s := &store{conn: c}
	for _, p := range []struct {
		dst *stmt
		sql string
	}{
		{&s.insert, insertRow + insertTail},
		{&s.insertMany, insertRow + strings.Repeat(insertTail+", ", perInsert-1) + insertTail},
		{&s.sel, selectQueued},
		{&s.claimRow, claimRow},
		{&s.claimList, claimList},
		{&s.claimAll, claimAll},
		{&s.deleteRow, deleteRow},
		{&s.deleteList, deleteList},
		{&s.deletePairs, deletePairs},
	} {
		var err error
		if *p.dst, err = c.prepare(p.sql); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", p.sql, err)
		}
	}
	return s, nil
}

// tx runs f in a transaction that takes the write lock at once.
func (s *store) tx(f func() error) error {
	if err := s.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := f(); err != nil {
		return errors.Join(err, s.exec("ROLLBACK"))
	}
	return s.exec("COMMIT")
}

// bindJob sets the parameters of one inserted row. Ranks grow, as in a queue
// that is first in, first out.
func (s *store) bindJob(st stmt, first int, j *job) {
	s.rank++
	st.setBlob(first, j.id[:])
	st.setText(first+1, queue)
	st.setInt(first+2, queued)
	st.setInt(first+3, s.rank)
	st.setText(first+4, j.task)
	st.setBlob(first+5, j.payload)
	st.setInt(first+6, 1_800_000_000_000+s.rank)
}

func (s *store) insertRows(jobs []job) error {
	return s.tx(func() error {
		for i := range jobs {
			s.bindJob(s.insert, 1, &jobs[i])
			if err := s.insert.run(nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// insertChunks inserts perInsert rows a statement; len(jobs) is a multiple of it.
func (s *store) insertChunks(jobs []job) error {
	return s.tx(func() error {
		for i := range jobs {
			s.bindJob(s.insertMany, 1+7*(i%perInsert), &jobs[i])
			if i%perInsert == perInsert-1 {
				if err := s.insertMany.run(nil); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (s *store) take(r row) error {
	j := job{seq: r.int(0), task: r.text(2), payload: r.blob(3)}
	copy(j.id[:], r.blob(1))
	s.claimed = append(s.claimed, j)
	return nil
}

func (s *store) selectJobs(limit int) error {
	s.claimed = s.claimed[:0]
	s.sel.setText(1, queue)
	s.sel.setInt(2, queued)
	s.sel.setInt(3, int64(limit))
	return s.sel.run(s.take)
}

// bindClaim sets what every claiming UPDATE has in common.
func bindClaim(st stmt) {
	st.setInt(1, started)
	st.setInt(2, 1_800_000_060_000)
	st.setText(3, worker)
}

func (s *store) claimRows(limit int) error {
	return s.tx(func() error {
		if err := s.selectJobs(limit); err != nil {
			return err
		}
		for i := range s.claimed {
			bindClaim(s.claimRow)
			s.claimRow.setInt(4, s.claimed[i].seq)
			if err := s.claimRow.run(nil); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *store) claimByList(limit int) error {
	return s.tx(func() error {
		if err := s.selectJobs(limit); err != nil {
			return err
		}
		bindClaim(s.claimList)
		s.claimList.setText(4, s.list())
		return s.claimList.run(nil)
	})
}

func (s *store) claimReturning(limit int) error {
	return s.tx(func() error {
		s.claimed = s.claimed[:0]
		bindClaim(s.claimAll)
		s.claimAll.setText(4, queue)
		s.claimAll.setInt(5, queued)
		s.claimAll.setInt(6, int64(limit))
		return s.claimAll.run(s.take)
	})
}

// list encodes the claimed jobs' numbers as a JSON array.
func (s *store) list() string {
	s.seqs = s.seqs[:0]
	for i := range s.claimed {
		s.seqs = append(s.seqs, s.claimed[i].seq)
	}
	b, err := json.Marshal(s.seqs)
	if err != nil {
		panic(err) // integers always encode
	}
	return string(b)
}

func (s *store) deleteRows() error {
	return s.tx(func() error {
		for i := range s.claimed {
			s.deleteRow.setInt(1, s.claimed[i].seq)
			s.deleteRow.setInt(2, 1)
			if err := s.deleteRow.run(nil); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *store) deleteByList() error {
	return s.tx(func() error {
		s.deleteList.setInt(1, 1)
		s.deleteList.setText(2, s.list())
		return s.deleteList.run(nil)
	})
}

// deleteByPairs encodes number and token of every claimed job.
func (s *store) deleteByPairs() error {
	list := []byte{'['}
	for i := range s.claimed {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, '[')
		list = strconv.AppendInt(list, s.claimed[i].seq, 10)
		list = append(list, ",1]"...)
	}
	list = append(list, ']')
	return s.tx(func() error {
		met := 0
		s.deletePairs.setText(1, string(list))
		err := s.deletePairs.run(func(row) error { met++; return nil })
		if err == nil && met != len(s.claimed) {
			err = fmt.Errorf("deleted %d of %d rows", met, len(s.claimed))
		}
		return err
	})
}

// count returns how many rows the table holds.
func (s *store) count() (n int64, err error) {
	st, err := s.prepare("SELECT count(*) FROM jobs")
	if err != nil {
		return 0, err
	}
	err = st.run(func(r row) error { n = r.int(0); return nil })
	return n, err
}
