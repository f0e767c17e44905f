package redis_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// since is which version of Redis has each of the commands that we use. The store needs 6.2, which is why a command may be
// added here when that has it.
var since = map[string]string{
	"DEL": "1.0", "EXISTS": "1.0", "HDEL": "2.0", "HEXISTS": "2.0", "HGET": "2.0", "HGETALL": "2.0", "HINCRBY": "2.0",
	"HMGET": "2.0", "HSCAN": "2.8", "HSET": "2.0", "HSETNX": "2.0", "HVALS": "2.0", "INCR": "1.0", "INCRBY": "1.0",
	"LLEN": "1.0", "LPOP": "1.0", "LPUSH": "1.0", "LRANGE": "1.0", "LTRIM": "1.0", "PUBLISH": "2.0", "RPUSH": "1.0",
	"SADD": "1.0", "SMEMBERS": "1.0", "SREM": "1.0", "SUBSCRIBE": "2.0", "TIME": "2.6", "UNLINK": "4.0",
	"UNSUBSCRIBE": "2.0", "ZADD": "1.2", "ZCARD": "1.2", "ZCOUNT": "2.0", "ZRANGE": "1.2", "ZRANGEBYSCORE": "1.0.5",
	"ZREM": "1.2", "ZREMRANGEBYRANK": "2.0", "ZSCORE": "1.2", "EVAL": "2.6", "EVALSHA": "2.6", "INFO": "1.0", "GET": "1.0",
	"SET": "1.0", "HLEN": "2.0", "HKEYS": "2.0", "SCARD": "1.0", "SISMEMBER": "1.0", "LINDEX": "1.0",
	"ZREVRANGE": "1.2", "ZREVRANGEBYSCORE": "2.2", "ZREMRANGEBYSCORE": "1.2", "ZRANK": "2.0",
	"CONFIG GET": "2.0", "MEMORY USAGE": "4.0",
}

// newer are commands that are used only where the server has them.
var newer = map[string]string{"SPUBLISH": "7.0", "SSUBSCRIBE": "7.0", "SUNSUBSCRIBE": "7.0"}

// optional are commands of which the store makes do with a refusal, so that the ACL line lacks them.
var optional = []string{"CONFIG GET"}

// words are options of commands, all of 6.2 or older.
var words = []string{"WITHSCORES", "LIMIT", "COUNT", "REV", "BYLEX", "BYSCORE"}

// clients are commands that the client sends by itself.
var clients = []string{"HELLO", "AUTH", "PING", "SELECT", "CLIENT|SETNAME", "CLUSTER|SLOTS", "CLUSTER|SHARDS"}

// used finds the commands in the scripts and in the Go files, and the options in the scripts.
func used(t *testing.T) (all map[string]string, options map[string]string) {
	t.Helper()
	all, options = make(map[string]string), make(map[string]string)
	inLua := regexp.MustCompile(`(?:call|batched)\('([A-Za-z ]+)'`)
	inGo := regexp.MustCompile(`(?:\bB\(\)|\bb)\.([A-Z]\w+)\(`)
	quoted := regexp.MustCompile(`'([A-Z]{2,})'`)
	files, err := filepath.Glob("lua/*.lua")
	if err != nil {
		t.Fatal(err)
	}
	goFiles, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, goFiles...) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pattern := inGo
		if strings.HasSuffix(file, ".lua") {
			pattern = inLua
			for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
				options[m[1]] = file
			}
		}
		for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
			name := strings.ToUpper(m[1])
			if name == "CONFIGGET" {
				name = "CONFIG GET"
			}
			all[name] = file
		}
	}
	all["PUBLISH"], all["SPUBLISH"] = "ARGV[1]", "ARGV[1]"
	if len(files) < 20 || len(all) < 20 {
		t.Fatalf("%d commands in %d scripts: the search has gone wrong", len(all), len(files))
	}
	return all, options
}

// No command and no option is newer than Redis 6.2, unless it is used only where the server has it; and the user of the
// documentation's ACL line may send what we use and nothing else.
func TestCommands(t *testing.T) {
	all, options := used(t)
	allowed := make(map[string]bool)
	for word := range strings.FieldsSeq(aclLine(t)) {
		if name, ok := strings.CutPrefix(word, "+"); ok {
			allowed[strings.ToUpper(name)] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		version, ok := since[name]
		if _, known := newer[name]; !ok && !known {
			t.Errorf("%s (%s): look up which version of Redis has it first; 6.2 must have it", name, all[name])
		}
		if major, _, _ := strings.Cut(version, "."); version > "6.2" || len(major) > 1 {
			t.Errorf("%s (%s) needs Redis %s", name, all[name], version)
		}
		if !allowed[name] && !slices.Contains(optional, name) {
			t.Errorf("%s (%s) is not in the ACL line of the documentation", name, all[name])
		}
	}
	for name := range allowed {
		if _, ok := all[name]; !ok && !slices.Contains(clients, name) && name != "EVALSHA" && name != "EVAL" {
			t.Errorf("the ACL line allows %s, which nothing uses", name)
		}
	}
	for word, file := range options {
		if _, ok := all[word]; !ok && !slices.Contains(words, word) {
			t.Errorf("%s in %s: is it an option? Redis 6.2 must have it", word, file)
		}
	}
}
