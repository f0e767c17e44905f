package redis_test

import (
	"io"
	"log/slog"
	"strconv"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
