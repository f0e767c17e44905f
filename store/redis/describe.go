package redis

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Describe implements [errand.Describer].
func (s *Store) Describe(ctx context.Context) (string, error) {
	c, err := s.begin(ctx, time.Time{}, "describe")
	if err != nil {
		return "", err
	}
	defer c.done()
	info, err := s.info(c)
	if err != nil {
		return "", s.fail(c, err)
	}
	name := "Redis " + info["redis_version"]
	if v := info["valkey_version"]; v != "" {
		name = "Valkey " + v
	}
	if info["cluster_enabled"] == "1" {
		name += ", a cluster"
	}
	if info["aof_enabled"] == "0" {
		return name + ", appendonly=no", nil
	}
	settings, err := s.client.Do(c.ctx, s.client.B().ConfigGet().Parameter("appendfsync").Build()).AsStrMap()
	if err != nil { // settings may not be read by everybody
		return name + ", appendonly=yes", nil
	}
	return fmt.Sprintf("%s, appendonly=yes, appendfsync=%s", name, cmp.Or(settings["appendfsync"], "?")), nil
}
