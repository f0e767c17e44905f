// Codec stores payloads and results in an encoding of one's own: here gob, which unlike JSON knows complex numbers.
package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"log"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/hotqueue"
	"github.com/errandhq/errand/store/memory"
)

// Gob is an errand.Codec.
type Gob struct{}

// Marshal encodes v.
func (Gob) Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

// Unmarshal decodes data into what v points to.
func (Gob) Unmarshal(data []byte, v any) error {
	return gob.NewDecoder(bytes.NewReader(data)).Decode(v)
}

// Rotate is a task whose payloads and results are gobs.
var Rotate = errand.Define("rotate", func(_ context.Context, z complex128) (complex128, error) {
	return z * 1i, nil
}, errand.WithCodec(Gob{}))

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	st := memory.New()
	defer st.Close()
	job, err := Rotate.Enqueue(ctx, errand.NewQueue(st, "plane"), 3+4i, errand.KeepResult(time.Hour))
	if err != nil {
		return err
	}
	w := errand.NewWorker(st, errand.WorkerConfig{Queues: []string{"plane"}, Burst: true})
	w.Register(Rotate)
	if err := w.Run(ctx); err != nil {
		return err
	}
	z, err := job.Result(ctx)
	if err != nil {
		return err
	}
	fmt.Println(z)

	// Queues that are used like lists have codecs too.
	points := hotqueue.New[complex128](st, "points", hotqueue.WithCodec(Gob{}))
	if err := points.Put(ctx, 1-1i); err != nil {
		return err
	}
	point, err := points.Get(ctx)
	fmt.Println(point)
	return err
}
