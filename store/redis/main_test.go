package redis_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testproc"
	"github.com/errandhq/errand/store/redis"
)

func TestMain(m *testing.M) {
	testproc.Main(map[string]func(args []string) error{"worker": runOther})
	os.Exit(m.Run())
}

// runOther is a worker in a process of its own. It prints a line when it has subscribed, and one for each job, with the time
// at which its handler began.
func runOther(args []string) error {
	ctx := context.Background()
	st, err := redis.Open(ctx, args[0], redis.Prefix(args[1]), redis.Logger(quiet))
	if err != nil {
		return err
	}
	defer st.Close()
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"work"}, Concurrency: 10, Logger: quiet})
	w.Register(errand.DefineFunc("work", func(context.Context, int) error {
		fmt.Println(time.Now().UnixMicro())
		return nil
	}))
	return w.Run(ctx)
}
