// Package redis keeps jobs in Redis.
package redis
