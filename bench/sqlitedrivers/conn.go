package sqlitedrivers

// conn is one connection to one database file. It is used by one goroutine.
type conn interface {
	// exec runs SQL without parameters and without results.
	exec(sql string) error
	// prepare compiles one statement, which lives as long as the connection.
	prepare(sql string) (stmt, error)
	close() error
}

// stmt is a prepared statement. Parameters are numbered from 1 and keep their
// values until they are set again; columns are numbered from 0.
type stmt interface {
	setInt(param int, v int64)
	setText(param int, v string)
	setBlob(param int, v []byte)
	// run executes the statement and calls visit for every row of the result;
	// visit may be nil where there are no rows to see.
	run(visit func(row) error) error
}

// row gives the columns of the present row. Text and blob are copies.
type row interface {
	int(col int) int64
	text(col int) string
	blob(col int) []byte
}

// drivers are the candidates, in the order in which they are measured.
var drivers = []struct {
	name string
	open func(path string) (conn, error)
}{
	{"modernc, database/sql", openModerncSQL},
	{"modernc, driver.Conn", openModerncDirect},
	{"zombiezen", openZombiezen},
	{"ncruces", openNcruces},
}
