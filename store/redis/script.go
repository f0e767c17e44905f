package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by it
	"embed"
	"encoding/hex"
	"strings"

	"github.com/redis/rueidis"
)

//go:embed lua/*.lua
var sources embed.FS

// script is a Lua script. The server keeps it by its hash; where it has forgotten it, the text is sent again.
type script struct {
	name, text, sha string
	often           bool // it may go on the express connection
}

// frequent has a script go on the express connection.
func frequent(sc *script) *script {
	sc.often = true
	return sc
}

// include makes a script of files, in that order. The last names it.
func include(names ...string) *script {
	var text strings.Builder
	for _, name := range names {
		b, err := sources.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(err) // a file of this package
		}
		text.Write(b)
		text.WriteByte('\n')
	}
	sum := sha1.Sum([]byte(text.String())) //nolint:gosec // as above
	return &script{name: names[len(names)-1], text: text.String(), sha: hex.EncodeToString(sum[:])}
}

// lives is a script that moves jobs.
func lives(names ...string) *script {
	return include(append([]string{"core", "common", "spans", "life", "mend"}, names...)...)
}

// works is such a script that goes on when the server's memory is full: workers empty it.
func works(names ...string) *script { return lives(append([]string{"full"}, names...)...) }

var (
	enqueueScript  = frequent(lives("enqueue"))
	addScript      = frequent(include("core", "spans", "add"))
	claimScript    = frequent(works("promote", "claims", "claim"))
	settleScript   = frequent(works("settle"))
	renewScript    = works("renew")
	reportScript   = works("report")
	recoverScript  = works("recover")
	tendScript     = works("promote", "tend")
	purgeScript    = works("claims", "purge")
	commandScript  = works("command")
	redeferScript  = works("redefer")
	registerScript = lives("register")
	decideScript   = works("decide")
	opScript       = works("op")
	resumeScript   = works("resume")
	kidsScript     = lives("kids")
	buryScript     = lives("bury")
	getScript      = include("core", "common", "get")
	pageScript     = include("core", "common", "spans", "page")
	infoScript     = include("core", "common", "spans", "info")
	pauseScript    = include("core", "pause")
	putScript      = include("core", "put")
	popScript      = include("core", "pop")
	clearScript    = include("core", "clear")
	messagesScript = include("core", "messages")
	orderScript    = include("core", "order")
	seriesScript   = include("core", "series")
	slotsScript    = include("core", "slots")
	auditScript    = include("core", "audit")
	entriesScript  = include("core", "entries")
	trimScript     = include("core", "trim")
	beatScript     = include("heartbeat")
	timeScript     = include("time")

	packScript         = lives("pack")
	unpackScript       = lives("unpack")
	parcelScript       = include("core", "parcel")
	tiesScript         = include("core", "ties")
	holdersScript      = lives("holders")
	packMessagesScript = include("core", "packmessages")
	sentScript         = include("core", "sent")
)

// invocation is one call of a script.
type invocation struct {
	script *script
	key    string
	head   []string // the arguments that scripts of a store have in common
	args   []string
}

// run calls a script.
func (s *Store) run(ctx context.Context, sc *script, key string, args ...string) rueidis.RedisResult {
	return s.runAll(ctx, invocation{script: sc, key: key, args: args})[0]
}

// runAll calls scripts in one pipeline, each at the node that has its key.
func (s *Store) runAll(ctx context.Context, calls ...invocation) []rueidis.RedisResult {
	cmds := make(rueidis.Commands, len(calls))
	for i, c := range calls {
		cmds[i] = s.client.B().Evalsha().Sha1(c.script.sha).Numkeys(1).Key(c.key).Arg(c.head...).Arg(c.args...).Build()
	}
	var results []rueidis.RedisResult
	if len(cmds) == 1 && calls[0].script.often {
		results = []rueidis.RedisResult{s.do(ctx, cmds[0])}
	} else if len(cmds) == 1 {
		results = []rueidis.RedisResult{s.client.Do(ctx, cmds[0])}
	} else {
		results = s.client.DoMulti(ctx, cmds...)
	}
	for i := range results {
		if e, ok := rueidis.IsRedisErr(results[i].Error()); ok && e.IsNoScript() {
			c := calls[i]
			results[i] = s.client.Do(ctx, s.client.B().Eval().Script(c.script.text).Numkeys(1).Key(c.key).Arg(c.head...).Arg(c.args...).Build())
		}
	}
	return results
}
