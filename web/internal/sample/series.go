package sample

import (
	"encoding/json"
	"math"
	"time"

	"github.com/errandhq/errand"
)

// flow is how much of a task there is, and how long it takes.
type flow struct {
	queue, task string
	perMinute   float64
	run, wait   time.Duration
	failing     float64 // share of the attempts
}

var flows = []flow{
	{"mail", "mail.send", 46, 180 * time.Millisecond, 900 * time.Millisecond, 0.012},
	{"thumbnails", "thumbnail.make", 31, 340 * time.Millisecond, 40 * time.Millisecond, 0.001},
	{"webhooks", "webhook.deliver", 18, 620 * time.Millisecond, 3 * time.Second, 0.04},
	{"search", "search.index", 12, 25 * time.Millisecond, 8 * time.Millisecond, 0.0005},
	{"invoices", "invoice.issue", 5, 1200 * time.Millisecond, 300 * time.Millisecond, 0.03},
	{"reports", "report.monthly", 0.4, 48 * time.Second, 20 * time.Second, 0.02},
	{"clicks", "clicks", 22, 9 * time.Millisecond, 4 * time.Millisecond, 0},
}

// series records how a month went: more by day than by night, with a bad half an hour in the last hour's middle.
func (f *filler) series() {
	for _, step := range errand.SeriesSteps() {
		report := errand.SeriesReport{Now: f.now}
		send := func(most int) {
			if len(report.Samples)+len(report.Depths) > most {
				f.keep(nil, f.st.RecordSeries(f.ctx, report))
				report.Samples, report.Depths = nil, nil
			}
		}
		totals := map[string]int64{}
		for at := step.Slot(f.now.Add(-step.Keep)).Add(step.Step); !at.After(f.now); at = at.Add(step.Step) {
			for i, fl := range flows {
				s, depth := fl.slot(step.Step, at, f.now, i)
				totals[fl.queue] += s.Finished
				depth.Finished, depth.Enqueued = totals[fl.queue], totals[fl.queue]+40
				depth.Messages = fl.queue == "clicks"
				report.Samples, report.Depths = append(report.Samples, s), append(report.Depths, depth)
			}
			send(errand.MaxSeriesReport - 2*len(flows))
		}
		send(0)
	}
}

// slot is how one slot of a flow went.
func (fl flow) slot(step time.Duration, at, now time.Time, i int) (errand.Sample, errand.Depth) {
	hour := float64(at.Unix()%86400) / 3600
	day := 0.55 + 0.45*math.Sin((hour-8)/24*2*math.Pi)
	wave := 1 + 0.25*math.Sin(float64(at.Unix())/97+float64(i)) + 0.12*math.Sin(float64(at.Unix())/23+2*float64(i))
	n := fl.perMinute * day * wave * step.Minutes()
	bad := 1.0
	if ago := now.Sub(at); ago > 18*time.Minute && ago < 31*time.Minute && (fl.queue == "mail" || fl.queue == "webhooks") {
		bad = 9
	}
	s := errand.Sample{Step: step, At: at, Queue: fl.queue, Task: fl.task}
	count := int64(n + 0.5)
	if n < 1 && at.Unix()/int64(step.Seconds())%11 == int64(i)%11 {
		count = 1
	}
	chance := func(salt float64) float64 { // rounds to a whole number, by chance that is the same each time
		_, f := math.Modf(math.Abs(math.Sin(float64(at.Unix())*salt+float64(i))) * 997)
		return f
	}
	s.Failed = int64(float64(count)*fl.failing*bad/3 + chance(12.9898))
	s.Retried = int64(float64(count)*fl.failing*bad + chance(78.233))
	s.Finished = max(0, count-s.Failed-s.Retried)
	for k := range min(int(count), 40) { // a spread with a long tail stands for all
		spread := math.Exp(1.1 * math.Sin(float64(k*k)+float64(at.Unix())/60))
		if k%20 == 19 {
			spread *= 6
		}
		s.Run.Add(time.Duration(float64(fl.run) * spread))
		s.Wait.Add(time.Duration(float64(fl.wait) * spread * bad))
	}
	queued := int64(fl.perMinute * day * wave * (0.4 + 0.6*bad))
	return s, errand.Depth{Step: step, At: at, Queue: fl.queue, Counts: map[errand.State]int64{
		errand.StateQueued: queued, errand.StateStarted: min(10, 1+queued/10), errand.StateFailed: 3,
	}}
}

// audit notes what people did in the last days.
func (f *filler) audit() {
	for i, e := range []errand.AuditEntry{
		{Who: "ada", Via: "dashboard", Action: "requeue", Target: "all of state=failed&task=mail.send", Count: 1204},
		{Who: "grace", Via: "cli", Action: "pause", Target: "queue webhooks", Count: 1},
		{Who: "ada", Via: "api", Action: "enqueue", Target: "job 01a2063e-4a60-747e-b19a-16ed6a7f1e8e", Count: 1},
		{Who: "lin", Via: "dashboard", Action: "quiet", Target: "worker office-2:881:77c0", Count: 1},
		{Who: "grace", Via: "dashboard", Action: "delete", Target: "all of queue=reports&state=canceled", Count: 37},
		{Who: "lin", Via: "dashboard", Action: "move", Target: "all of queue=mail&state=queued", Count: 5200, Detail: "to mail-slow"},
	} {
		e.ID, e.At = errand.NewID(), f.now.Add(-time.Duration(1+i*i*i)*11*time.Minute)
		f.keep(nil, f.st.RecordAudit(f.ctx, e))
	}
}

// schemas are what the tasks take.
func schemas() map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"invoice.issue": json.RawMessage(`{"type":"object","properties":{"invoice":{"type":"integer"},"currency":{"type":"string","enum":["EUR","USD","CNY"]},"lines":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string"},"amount":{"type":"number"}},"required":["sku","amount"],"additionalProperties":false}},"paid":{"type":"boolean"},"note":{"type":["string","null"]}},"required":["invoice","currency","lines"],"additionalProperties":false}`),
		"mail.send":     json.RawMessage(`{"type":"object","properties":{"to":{"type":"string"},"template":{"type":"string"}},"required":["to","template"],"additionalProperties":false}`),
	}
}
