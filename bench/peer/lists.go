package peer

// The systems of each store. Settings are the defaults where nothing else is said.
var (
	redisEntries = []Entry{
		{Store: Redis, Name: "Errand", Role: Ours, Bulk: "EnqueueMany", Apart: true, Open: openErrand},
		{
			Store: Redis, Name: "Errand, one settle a job", Role: Style, Settings: "the store alone: claims in batches, one Settle per job",
			Bulk: "EnqueueMany", NoWakeup: true, Open: openSingly,
		},
		{
			Store: Redis, Name: "raw limit", Role: Raw, Bulk: "two commands for 1,000 jobs", NoWakeup: true, Fixed: true,
			Settings: "ids in a list, records in a hash, leases in a sorted set; pipelined commands for 1,000 jobs, one connection", Open: openRawRedis,
		},
		{
			Store: Redis, Name: "asynq", Role: Other, Module: "github.com/hibiken/asynq", Apart: true,
			Bulk: "no call for many in a release: its own script, 1,000 in a pipeline, as on its main branch", Open: openAsynq,
		},
		{
			Store: Redis, Name: "gocraft/work", Role: Other, Module: "github.com/gocraft/work", Apart: true,
			Settings: "pool of concurrency + 10 connections", Bulk: "no call for many: one by one", Open: openGocraft,
		},
		{
			Store: Redis, Name: "machinery", Role: Other, Module: "github.com/RichardKnop/machinery/v2", Apart: true,
			Settings: "no results kept; pops without a lease, a crash loses jobs", Bulk: "no call for many: one by one", Open: openMachinery,
		},
		{
			Store: Redis, Name: "RQ SimpleWorker", Role: Other, Slow: true, Apart: true, Fixed: true,
			Settings: "Python, one worker process, no fork", Bulk: "enqueue_many", Open: openRQSimple,
		},
		{
			Store: Redis, Name: "RQ Worker", Role: Other, Slow: true, Apart: true, Fixed: true,
			Settings: "Python, one worker process, a fork a job", Bulk: "enqueue_many", Open: openRQFork,
		},
	}
	postgresEntries = []Entry{
		{Store: Postgres, Name: "Errand", Role: Ours, Bulk: "EnqueueMany", Apart: true, Open: openErrand},
		{
			Store: Postgres, Name: "Errand, one settle a job", Role: Style, Settings: "the store alone: claims in batches, one Settle per job",
			Bulk: "EnqueueMany", NoWakeup: true, Open: openSingly,
		},
		{
			Store: Postgres, Name: "raw limit", Role: Raw, Bulk: "INSERT from arrays of 1,000", NoWakeup: true, Fixed: true,
			Settings: "UPDATE ... SKIP LOCKED RETURNING, then DELETE, 1,000 rows each, a transaction each, four connections", Open: openRawPostgres,
		},
		{
			Store: Postgres, Name: "raw, no lease", Role: Raw, Bulk: "INSERT from arrays of 1,000", NoWakeup: true, Fixed: true,
			Settings: "DELETE ... SKIP LOCKED RETURNING of 1,000 rows in a transaction that is open while they run, four connections", Open: openRawPostgresTx,
		},
		{
			Store: Postgres, Name: "River", Role: Other, Module: "github.com/riverqueue/river", Apart: true,
			Settings: "defaults", Bulk: "InsertMany", Open: openRiver,
		},
		{
			Store: Postgres, Name: "River, tuned", Role: Other, Module: "github.com/riverqueue/river", Apart: true,
			Settings: "FetchCooldown 2 ms, FetchPollInterval 20 ms, as in river bench", Bulk: "InsertManyFast", Open: openRiverTuned,
		},
		{
			Store: Postgres, Name: "River, river bench", Role: Other, Module: "github.com/riverqueue/river", Apart: true, Fixed: true,
			Settings: "tuned, and always 2,000 workers, as in river bench", Bulk: "InsertManyFast", Open: openRiverBench,
		},
	}
	sqliteEntries = []Entry{
		{Store: SQLite, Name: "Errand", Role: Ours, Settings: sqliteSettings, Bulk: "EnqueueMany", Apart: true, Open: openErrand},
		{
			Store: SQLite, Name: "Errand, FULL", Role: Style, Settings: "WAL, synchronous=FULL: its default",
			Bulk: "EnqueueMany", Apart: true, Open: openErrandFull,
		},
		{
			Store: SQLite, Name: "Errand, one settle a job", Role: Style, Settings: sqliteSettings + "; the store alone: claims in batches, one Settle per job",
			Bulk: "EnqueueMany", NoWakeup: true, Open: openSingly,
		},
		{
			Store: SQLite, Name: "raw limit", Role: Raw, Bulk: "one prepared INSERT per row, 1,000 rows a transaction", NoWakeup: true, Fixed: true,
			Settings: sqliteSettings + "; prepared statements, 1,000 rows a transaction, one connection", Open: openRawSQLite,
		},
		{
			Store: SQLite, Name: "River", Role: Other, Module: "github.com/riverqueue/river",
			Settings: sqliteSettings + "; FetchCooldown 2 ms, FetchPollInterval 20 ms; one connection, as its driver wants", Bulk: "InsertMany", Open: openRiverSQLite,
		},
		{
			Store: SQLite, Name: "goqite", Role: Other, Module: "maragu.dev/goqite",
			Settings: sqliteSettings + "; one connection, as its documentation does", Bulk: "CreateTx, 1,000 in a transaction", Open: openGoqite,
		},
		{
			Store: SQLite, Name: "backlite", Role: Other, Module: "github.com/mikestefanello/backlite",
			Settings: sqliteSettings + "; one connection", Bulk: "Add of 1,000 tasks", Open: openBacklite,
		},
	}
	mysqlEntries = []Entry{
		{Store: MySQL, Name: "Errand", Role: Ours, Bulk: "EnqueueMany", Apart: true, Open: openErrand},
		{
			Store: MySQL, Name: "Errand, one settle a job", Role: Style, Settings: "the store alone: claims in batches, one Settle per job",
			Bulk: "EnqueueMany", NoWakeup: true, Open: openSingly,
		},
		{
			Store: MySQL, Name: "raw limit", Role: Raw, Bulk: "INSERT of 1,000 rows", NoWakeup: true, Fixed: true,
			Settings: "SELECT ... FOR UPDATE SKIP LOCKED and UPDATE, then DELETE, 1,000 rows each, one connection", Open: openRawMySQL,
		},
		{
			Store: MySQL, Name: "raw, no lease", Role: Raw, Bulk: "INSERT of 1,000 rows", NoWakeup: true, Fixed: true,
			Settings: "SELECT ... FOR UPDATE SKIP LOCKED and DELETE of 1,000 rows in a transaction that is open while they run, one connection", Open: openRawMySQLTx,
		},
	}
)

const sqliteSettings = "modernc.org/sqlite, WAL, synchronous=NORMAL"
