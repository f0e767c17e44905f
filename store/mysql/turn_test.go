package mysql_test

import (
	"testing"

	"github.com/errandhq/errand/store/storetest"
)

// TestTurns: in a flood a large claim waits for one of another process, and goes on without its turn where that does not end.
func TestTurns(t *testing.T) {
	st := open(t)
	db := placeOf(t, st).db
	const lock = "CONCAT('errand ', MD5(CONCAT_WS(' ', DATABASE(), '0 flood')))"
	storetest.RunTurns(t, st, func() (end func()) {
		other, err := db.Conn(t.Context())
		if err == nil {
			_, err = other.ExecContext(t.Context(), "DO GET_LOCK("+lock+", 0)")
		}
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			_, err := other.ExecContext(t.Context(), "DO RELEASE_LOCK("+lock+")")
			if err != nil || other.Close() != nil {
				t.Error("the lock was not freed: ", err)
			}
		}
	}, func() (n int) {
		const waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state = 'User lock'"
		if err := db.QueryRow(waiting).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	})
	var holder any
	if err := db.QueryRow("SELECT IS_USED_LOCK(" + lock + ")").Scan(&holder); err != nil || holder != nil {
		t.Errorf("session %v still has the turn, %v", holder, err)
	}
}
