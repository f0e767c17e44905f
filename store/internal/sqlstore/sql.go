package sqlstore

// Every statement is here, whole. States are literals, as the numbers of errand.State: 1 scheduled, 2 deferred, 3 queued,
// 4 started, 5 finished, 6 failed, 7 canceled. Times are microseconds since 1970, UTC. The rank is the sort key of a job
// within its queue and state; one index serves claims, due times, lost leases, retention and listings. {row} is the column
// by which the database finds a row that was read before: see Dialect.ByID. {expiring} is the table that has an index of when jobs
// expire: see Dialect.Expiries. {state} is a literal too: see inState.

// Jobs.
const (
	insertJob = `INSERT INTO errand_jobs
(id, queue, state, rank, task, priority, flags, created_at, ready_at, waits, payload, options)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

	// what chooser.consider reads
	claimColumns = `seq, id, rank, task, created_at, unknown_since, token, attempt, recoveries, flags,
payload, options, history`

	// What comes after a place takes two statements: the rest of its rank, then what lies beyond. MariaDB finds no place by
	// comparing (rank, seq) with one, and SQLite looks through all of the rank. For the others see Dialect.Places.
	queuedBeside = `SELECT ` + claimColumns + ` FROM errand_jobs
WHERE queue = ? AND state = 3 AND rank = ? AND seq > ? ORDER BY rank, seq LIMIT ?{skip}`
	queuedBeyond = `SELECT ` + claimColumns + ` FROM errand_jobs
WHERE queue = ? AND state = 3 AND rank > ? ORDER BY rank, seq LIMIT ?{skip}`

	// The same from where the queue begins, for Dialect.Begins. What begins nowhere has no rows.
	queueBegins = `SELECT MAX(rank), MAX(seq) INTO @errand_rank, @errand_seq FROM
(SELECT rank, seq FROM errand_jobs WHERE queue = ? AND state = 3 ORDER BY rank, seq LIMIT 1) AS head`
	queuedFrom = `SELECT ` + claimColumns + ` FROM errand_jobs
WHERE queue = ? AND state = 3 AND (rank = @errand_rank AND seq >= @errand_seq OR rank > @errand_rank) ORDER BY rank, seq LIMIT ?{skip}`

	// queuedAlike is queuedBeyond of fewer columns, for jobs that are like the one before: new, of the same task and with the same
	// options. Of the first that is not it says so. 72057594037927935 are the bits of a rank that are its time: see queuedRank.
	queuedAlike = `SELECT seq, id, rank, payload, CASE WHEN task = ? AND options IS ? AND created_at = rank & 72057594037927935
AND unknown_since IS NULL AND token = 0 AND attempt = 0 AND recoveries = 0 AND flags = 0 AND history IS NULL THEN NULL ELSE 1 END
FROM errand_jobs WHERE queue = ? AND state = 3 AND rank > ? ORDER BY rank, seq LIMIT ?`

	startJob = `UPDATE errand_jobs SET state = 4, rank = ?, started_at = ?, token = token + 1, attempt = attempt + 1,
settled = 0, worker = ?, claim = ?, progress = NULL WHERE `
	startJobs  = startJob + `{row}{in}`
	startRange = startJob + `seq BETWEEN ? AND ?`

	// what record.read reads
	jobColumns = `seq, id, queue, state, rank, task, priority, flags, created_at, ready_at, started_at, unknown_since, expires_at,
token, attempt, recoveries, settled, waits, worker, claim, options, history, progress, result`

	jobByID        = `SELECT ` + jobColumns + ` FROM errand_jobs WHERE id = ?{lock}`
	jobWithPayload = `SELECT ` + jobColumns + `, payload FROM errand_jobs WHERE id = ?`
	jobExists      = `SELECT state, flags, seq FROM errand_jobs WHERE id = ?{lock}`
	jobTask        = `SELECT task FROM errand_jobs WHERE id = ?`

	besideAscending = `SELECT ` + jobColumns + `, payload FROM errand_jobs
WHERE queue = ? AND state = {state} AND rank = ? AND seq > ? AND (? = '' OR task = ?) ORDER BY rank, seq LIMIT ?`
	beyondAscending = `SELECT ` + jobColumns + `, payload FROM errand_jobs
WHERE queue = ? AND state = {state} AND rank > ? AND (? = '' OR task = ?) ORDER BY rank, seq LIMIT ?`
	besideDescending = `SELECT ` + jobColumns + `, payload FROM errand_jobs
WHERE queue = ? AND state = {state} AND rank = ? AND seq < ? AND (? = '' OR task = ?) ORDER BY rank DESC, seq DESC LIMIT ?`
	beyondDescending = `SELECT ` + jobColumns + `, payload FROM errand_jobs
WHERE queue = ? AND state = {state} AND rank < ? AND (? = '' OR task = ?) ORDER BY rank DESC, seq DESC LIMIT ?`

	heldJobs = `SELECT ` + jobColumns + `, payload FROM errand_jobs
WHERE queue = ? AND state = 4 AND worker = ? AND claim = ?
ORDER BY priority DESC, CASE WHEN ready_at > 0 THEN ready_at ELSE created_at END, seq`
	lostJobs = `SELECT ` + jobColumns + ` FROM errand_jobs
WHERE queue = ? AND state = 4 AND rank < ? ORDER BY rank, seq LIMIT ?{skip}`

	saveJob = `UPDATE errand_jobs SET state = ?, rank = ?, flags = ?, ready_at = ?, started_at = ?, unknown_since = ?,
expires_at = ?, token = ?, attempt = ?, recoveries = ?, settled = ?, waits = ?, worker = ?, claim = ?, history = ?, progress = ?,
result = ? WHERE {row} = ?`
	setFlags = `UPDATE errand_jobs SET flags = ? WHERE {row} = ?`

	// deleteSucceeded settles a job that nothing else refers to.
	deleteSucceeded = `DELETE FROM errand_jobs WHERE id = ? AND state = 4 AND token = ? AND queue = ? AND flags = 0`
	// The same by what is remembered of a claim: see claimed. SQLite would rather look through all started jobs of the queue.
	deleteClaimedRange = `DELETE FROM errand_jobs NOT INDEXED
WHERE seq BETWEEN ? AND ? AND state = 4 AND token = ? AND queue = ? AND worker = ? AND claim = ? AND flags = 0`
	deleteClaimedSeqs = `DELETE FROM errand_jobs NOT INDEXED
WHERE seq{in} AND state = 4 AND token = ? AND queue = ? AND worker = ? AND claim = ? AND flags = 0`
	// deletePlaced is the same where claims of several may be meant: see Places.
	deletePlaced = `DELETE FROM errand_jobs WHERE seq{in} AND state = 4 AND token = ? AND queue = ? AND worker = ? AND flags = 0`
	deleteJob    = `DELETE FROM errand_jobs WHERE {row} = ?`
	deleteJobs   = `DELETE FROM errand_jobs WHERE {row}{in}`

	// touchRows has the server read the pages that these rows are on.
	touchRows = `SELECT COUNT(*) INTO @errand_rows FROM errand_jobs WHERE seq{in}`

	renewJob = `UPDATE errand_jobs SET rank = CASE WHEN rank > ? THEN rank ELSE ? END
WHERE id = ? AND state = 4 AND token = ? AND queue = ?`
	reportJob = `UPDATE errand_jobs SET progress = ? WHERE id = ? AND state = 4 AND token = ? AND queue = ?`

	// 72057594037927936 is 1 << 56: see queuedRank. A scheduled job is ready later than it was created, so that ready_at is there,
	// which may be 0 where the two are one time: see insert.go of store/mysql.
	promoteJobs = `UPDATE errand_jobs SET state = 3, rank = (9 - priority) * 72057594037927936 + ready_at
WHERE seq IN (SELECT seq FROM errand_jobs WHERE queue = ? AND state = 1 AND rank <= ? ORDER BY rank, seq LIMIT ?)`
	firstScheduled = `SELECT rank FROM errand_jobs WHERE queue = ? AND state = 1 ORDER BY rank LIMIT 1`
	firstQueued    = `SELECT rank FROM errand_jobs WHERE queue = ? AND state = 3 AND rank >= ? ORDER BY rank LIMIT 1`

	expiredJobs = `SELECT seq, id, queue, state, flags FROM errand_jobs
WHERE expires_at IS NOT NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?{skip}`

	// For Dialect.Expiries. The list may say more than is so: a job may be gone, or have another time.
	enterExpiry = `INSERT INTO errand_expiries (job, expires_at) VALUES (?, ?)
ON CONFLICT (job) DO UPDATE SET expires_at = excluded.expires_at`
	dueExpiries    = `SELECT job FROM errand_expiries WHERE expires_at <= ? ORDER BY expires_at LIMIT ?{skip}`
	expiredAmong   = `SELECT seq, id, queue, state, flags FROM errand_jobs WHERE id{in} AND expires_at <= ? ORDER BY id LIMIT ?{lock}`
	deleteExpiries = `DELETE FROM errand_expiries WHERE job{in}`

	oldestJobs = `SELECT seq, id, queue, state, flags FROM errand_jobs
WHERE queue = ? AND state = {state} AND rank <= ? ORDER BY rank, seq LIMIT ?{skip}`
)

// Queues.
const (
	queueColumns = `name, paused, scheduled, deferred, queued, started, finished, failed, canceled,
enqueued_total, enqueued_minute, enqueued_current, enqueued_before,
finished_total, finished_minute, finished_current, finished_before,
failed_total, failed_minute, failed_current, failed_before`

	queueByName = `SELECT ` + queueColumns + ` FROM errand_queues WHERE name = ?`
	allQueues   = `SELECT ` + queueColumns + ` FROM errand_queues ORDER BY name`
	insertQueue = `INSERT INTO errand_queues (` + queueColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	updateQueue = `UPDATE errand_queues SET paused = ?, scheduled = ?, deferred = ?, queued = ?, started = ?, finished = ?,
failed = ?, canceled = ?, enqueued_total = ?, enqueued_minute = ?, enqueued_current = ?, enqueued_before = ?,
finished_total = ?, finished_minute = ?, finished_current = ?, finished_before = ?,
failed_total = ?, failed_minute = ?, failed_current = ?, failed_before = ? WHERE name = ?`
)

// What jobs have to do with each other. The kind of a dependency is waits, failed and past.
const (
	uniqueHolder = `SELECT job, free_at FROM errand_uniques WHERE queue = ? AND key = ?{lock}`
	takeUnique   = `UPDATE errand_uniques SET job = ?, free_at = ? WHERE queue = ? AND key = ? AND (job = ? OR free_at <= ?)`
	insertUnique = `INSERT INTO errand_uniques (queue, key, job, free_at) VALUES (?, ?, ?, ?)`
	enterUnique  = insertUnique + ` ON CONFLICT (queue, key) DO NOTHING`
	holdUnique   = insertUnique + `
ON CONFLICT (queue, key) DO UPDATE SET job = excluded.job, free_at = excluded.free_at`
	freeUnique = `DELETE FROM errand_uniques WHERE queue = ? AND key = ? AND job = ?`

	setDep = `INSERT INTO errand_deps (parent, child, kind) VALUES (?, ?, ?)
ON CONFLICT (parent, child) DO UPDATE SET kind = excluded.kind`
	resetDep       = `UPDATE errand_deps SET kind = 0 WHERE parent = ? AND child = ?`
	deleteDep      = `DELETE FROM errand_deps WHERE parent = ? AND child = ?`
	deleteDeps     = `DELETE FROM errand_deps WHERE parent = ?`
	deleteDepsPast = `DELETE FROM errand_deps WHERE parent = ? AND kind <> 1`
	// childrenOf finds the children of one kind, in the order in which they came.
	childrenOf = `SELECT d.child FROM errand_deps d JOIN errand_jobs j ON j.id = d.child
WHERE d.parent = ? AND d.kind = ? ORDER BY j.seq{lock}`
)

// Workers.
const (
	peekClaim   = `SELECT number FROM errand_claims WHERE worker = ?`
	lastClaim   = `SELECT number FROM errand_claims WHERE worker = ?{lock}`
	insertClaim = `INSERT INTO errand_claims (worker, number, seen_at) VALUES (?, ?, ?)`
	setClaim    = insertClaim + `
ON CONFLICT (worker) DO UPDATE SET number = excluded.number, seen_at = excluded.seen_at`
	staleClaims = `SELECT worker FROM errand_claims WHERE seen_at < ? LIMIT ?`
	deleteClaim = `DELETE FROM errand_claims WHERE worker = ?`
	holdingJobs = `SELECT DISTINCT worker FROM errand_jobs WHERE queue = ? AND state = 4`
	insertOrder = `INSERT INTO errand_orders (worker, job) VALUES (?, ?) ON CONFLICT (worker, job) DO NOTHING`
	deleteOrder = `DELETE FROM errand_orders WHERE worker = ? AND job = ?`
	ordersOf    = `SELECT job FROM errand_orders WHERE worker = ? ORDER BY job`
	setWorker   = `INSERT INTO errand_workers (id, seen_at, record) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, record = excluded.record`
	deleteAsked   = `DELETE FROM errand_orders WHERE worker = ? AND (job = ? OR job = ?)`
	orphanedAsked = `DELETE FROM errand_orders
WHERE (job = ? OR job = ?) AND NOT EXISTS (SELECT 1 FROM errand_workers w WHERE w.id = worker)`
	lockWorker = `SELECT 1 FROM errand_workers WHERE id = ?{lock}`
	setSchemas = `INSERT INTO errand_schemas (worker, record) VALUES (?, ?)
ON CONFLICT (worker) DO UPDATE SET record = excluded.record`
	deleteSchemas   = `DELETE FROM errand_schemas WHERE worker = ?`
	orphanedSchemas = `DELETE FROM errand_schemas WHERE NOT EXISTS (SELECT 1 FROM errand_workers w WHERE w.id = worker)`
	allSchemas      = `SELECT s.record FROM errand_schemas s JOIN errand_workers w ON w.id = s.worker ORDER BY w.seen_at, w.id DESC`

	deleteWorker  = `DELETE FROM errand_workers WHERE id = ?`
	staleWorker   = `SELECT 1 FROM errand_workers WHERE seen_at < ? LIMIT 1`
	deleteWorkers = `DELETE FROM errand_workers WHERE seen_at < ?`
	allWorkers    = `SELECT record FROM errand_workers ORDER BY id`
)

// Messages.
const (
	messageQueueColumns = `name, next, length, put_total, put_minute, put_current, put_before,
got_total, got_minute, got_current, got_before`

	messageQueueByName = `SELECT ` + messageQueueColumns + ` FROM errand_message_queues WHERE name = ?`
	allMessageQueues   = `SELECT ` + messageQueueColumns + ` FROM errand_message_queues ORDER BY name`
	insertMessageQueue = `INSERT INTO errand_message_queues (` + messageQueueColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	updateMessageQueue = `UPDATE errand_message_queues SET next = ?, length = ?,
put_total = ?, put_minute = ?, put_current = ?, put_before = ?,
got_total = ?, got_minute = ?, got_current = ?, got_before = ? WHERE name = ?`

	insertMessage  = `INSERT INTO errand_messages (queue, seq, body) VALUES (?, ?, ?)`
	firstMessages  = `SELECT seq, body FROM errand_messages WHERE queue = ? ORDER BY seq LIMIT ?`
	deleteMessages = `DELETE FROM errand_messages WHERE queue = ? AND seq <= ?`

	lastRequest   = `SELECT number, refused FROM errand_producers WHERE queue = ? AND producer = ?{lock}`
	insertRequest = `INSERT INTO errand_producers (queue, producer, number, seen_at, refused) VALUES (?, ?, ?, ?, ?)`
	setRequest    = insertRequest + `
ON CONFLICT (queue, producer) DO UPDATE SET number = excluded.number, seen_at = excluded.seen_at, refused = excluded.refused`
	staleProducer   = `SELECT 1 FROM errand_producers WHERE seen_at < ? LIMIT 1`
	deleteProducers = `DELETE FROM errand_producers WHERE seen_at < ?`
)

// What several writers at once do in another way. The rows of errand_queues and errand_message_queues are then
// contributions of transactions, to be added up; that with number 0 is the queue's own and says whether it is paused.
//
// HeldByIDs adds to the state so that nobody looks through all started jobs for those ids, by the index that begins with it.
const (
	lockJobs    = `SELECT seq FROM errand_jobs WHERE id{in} ORDER BY id{lock}`
	HeldByIDs   = `SELECT seq, id, token, queue, flags FROM errand_jobs WHERE id{in} AND state + 0 = 4 ORDER BY id{lock}`
	renewJobs   = `UPDATE errand_jobs SET rank = CASE WHEN rank > ? THEN rank ELSE ? END WHERE {row}{in}`
	dueJobs     = `SELECT seq, id FROM errand_jobs WHERE queue = ? AND state = 1 AND rank BETWEEN ? AND ? ORDER BY rank, seq LIMIT ?{skip}`
	queueDue    = `UPDATE errand_jobs SET state = 3, rank = (9 - priority) * 72057594037927936 + ready_at WHERE {row}{in}`
	housekeeper = `SELECT number FROM errand_claims WHERE worker = ''{skip}`

	// lookToClaim is all that a claim must know of a queue that has nothing for it: whether it is paused, whether a job is
	// queued, when the next one is due, and the worker's last claim.
	lookToClaim = `SELECT (SELECT paused FROM errand_queues WHERE name = ? AND id = 0),
(SELECT 1 FROM errand_jobs WHERE queue = ? AND state = 3 ORDER BY rank LIMIT 1),
(SELECT rank FROM errand_jobs WHERE queue = ? AND state = 1 ORDER BY rank LIMIT 1),
(SELECT number FROM errand_claims WHERE worker = ?)`

	queuePaused = `SELECT paused FROM errand_queues WHERE name = ? AND id = 0`
	pauseQueue  = `INSERT INTO errand_queues (id, ` + queueColumns + `)
VALUES (0, ?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
ON CONFLICT (name, id) DO UPDATE SET paused = excluded.paused`
	insertShare = `INSERT INTO errand_queues (id, ` + queueColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	queueShares  = `SELECT ` + queueColumns + `, id FROM errand_queues WHERE name = ? AND id <> 0 LIMIT ?{skip}`
	deleteShares = `DELETE FROM errand_queues WHERE name = ? AND id{in}`

	insertMessageShare = `INSERT INTO errand_message_queues (id, ` + messageQueueColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	messageShares       = `SELECT ` + messageQueueColumns + `, id FROM errand_message_queues WHERE name = ? LIMIT ?{skip}`
	deleteMessageShares = `DELETE FROM errand_message_queues WHERE name = ? AND id{in}`
	appendMessage       = `INSERT INTO errand_messages (queue, body) VALUES (?, ?)`
	takeMessages        = `SELECT seq, body FROM errand_messages WHERE queue = ? ORDER BY seq LIMIT ?{skip}`
	messagesBegin       = `SELECT MIN(seq) INTO @errand_seq FROM errand_messages WHERE queue = ?`
	takeMessagesFrom    = `SELECT seq, body FROM errand_messages WHERE queue = ? AND seq >= @errand_seq ORDER BY seq LIMIT ?{skip}`
	messageNumbers      = `SELECT seq FROM errand_messages WHERE queue = ? ORDER BY seq LIMIT ?{skip}`
	messagesLeft        = `SELECT CAST(COALESCE(SUM(length), 0) AS {bigint}) FROM errand_message_queues WHERE name = ?`
	removeMessages      = `DELETE FROM errand_messages WHERE seq{in}`
)

// What is carried to another store, and to another queue.
const (
	identity       = `SELECT name FROM errand_identity WHERE id = 1{lock}`
	insertIdentity = `INSERT INTO errand_identity (id, name) VALUES (1, ?)`

	pendingParcel = `SELECT dest, token, number, body FROM errand_parcels WHERE queue = ? AND messages = ?{lock}`
	insertParcel  = `INSERT INTO errand_parcels (queue, messages, dest, token, number, packed_at, body) VALUES (?, ?, ?, ?, ?, ?, ?)`
	deleteParcel  = `DELETE FROM errand_parcels WHERE queue = ? AND token = ? AND number = ?`

	// Whoever holds the first messages is waited for, unlike by those who take them: else later ones would go before.
	messagesToPack = `SELECT seq, body FROM errand_messages WHERE queue = ? ORDER BY seq LIMIT ?{lock}`

	jobsByIDs  = `SELECT id FROM errand_jobs WHERE id{in} ORDER BY id{lock}`
	jobsAgain  = `SELECT ` + jobColumns + `, payload FROM errand_jobs WHERE {row}{in} ORDER BY seq{lock}`
	depKind    = `SELECT kind FROM errand_deps WHERE parent = ? AND child = ?`
	requeueJob = `UPDATE errand_jobs SET queue = ? WHERE {row} = ?`

	insertCarriedRow = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertCarried    = `INSERT INTO errand_jobs (id, queue, state, rank, task, priority, flags, created_at, ready_at, started_at,
unknown_since, expires_at, token, attempt, recoveries, waits, worker, payload, options, history, progress, result) VALUES ` +
		insertCarriedRow
)
