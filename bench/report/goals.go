package report

import (
	"fmt"
	"strings"

	"github.com/errandhq/errand/bench/measure"
	"github.com/errandhq/errand/bench/peer"
)

const us = "Errand"

// goal is something that was to be reached.
type goal struct {
	store   peer.Store
	measure string   // Errand's
	against []string // systems: the best of them counts; empty: an absolute bound
	other   string   // the measure that it is compared with; empty: the same
	least   float64  // of the ratio
	most    float64  // of the figure, where there is nobody to compare with
	unit    string
}

// goals are those of the project; the ratios are of medians in one run.
func goals() []goal {
	list := []goal{
		{store: peer.Redis, measure: measure.Drain100, against: []string{"asynq"}, least: 15},
		{store: peer.Redis, measure: measure.Drain100, against: []string{"gocraft/work"}, least: 5},
		{store: peer.Redis, measure: measure.Drain100, against: []string{"RQ SimpleWorker"}, least: 300},
		{store: peer.Redis, measure: measure.Enqueue64, against: []string{"asynq"}, least: 3},
		{store: peer.Redis, measure: measure.EnqueueBulk, against: []string{"asynq"}, least: 2},
		{store: peer.Redis, measure: measure.PickupP99, most: 3, unit: "ms"},
		{store: peer.Redis, measure: measure.Memory, most: 400, unit: "bytes"},

		{store: peer.Postgres, measure: measure.Drain100, against: []string{"River, tuned", "River, river bench"}, least: 2.5},
		{store: peer.Postgres, measure: measure.Drain100, against: []string{"River"}, least: 20},
		{store: peer.Postgres, measure: measure.Enqueue64, against: []string{"River"}, least: 8},
		{store: peer.Postgres, measure: measure.EnqueueBulk, against: []string{"River, tuned"}, least: 1.5},
		{store: peer.Postgres, measure: measure.PickupP99, most: 5, unit: "ms"},

		{store: peer.SQLite, measure: measure.Drain100, against: []string{"River"}, least: 12},
		{store: peer.SQLite, measure: measure.Drain100, against: []string{"goqite"}, least: 8},
		{store: peer.SQLite, measure: measure.Drain100, against: []string{"backlite"}, least: 15},
		{store: peer.SQLite, measure: measure.Enqueue64, against: []string{"River"}, least: 15},
		{store: peer.SQLite, measure: measure.Enqueue64, against: []string{"goqite"}, least: 8},
		{store: peer.SQLite, measure: measure.Enqueue64, against: []string{"backlite"}, least: 3},
		{store: peer.SQLite, measure: measure.EnqueueBulk, against: []string{"River"}, least: 5},
		{store: peer.SQLite, measure: measure.EnqueueBulk, against: []string{"backlite"}, least: 1},
		{store: peer.SQLite, measure: measure.PickupP99, most: 2, unit: "ms"},

		{store: peer.MySQL, measure: measure.Enqueue64, against: []string{"raw limit"}, least: 0.5},
		{store: peer.MySQL, measure: measure.EnqueueBulk, against: []string{"raw limit"}, least: 0.7},
		{store: peer.MySQL, measure: measure.PickupP99, most: 60, unit: "ms"},
	}
	for _, store := range peer.Stores {
		list = append(list,
			goal{store: store, measure: measure.Drain100, against: []string{"raw limit"}, least: 0.5},
			goal{store: store, measure: measure.Drain1000, other: measure.Drain100, against: []string{us}, least: 1},
			goal{store: store, measure: measure.Backlog5M, other: measure.Backlog10k, against: []string{us}, least: 0.8},
		)
		if store != peer.SQLite {
			list = append(list, goal{
				store: store, measure: measure.Drain100 + measure.Near, other: measure.Drain100 + "-0ms" + measure.Near,
				against: []string{us}, least: 0.8,
			})
		}
	}
	return list
}

// verdict is what became of a goal.
type verdict struct {
	text    string // the goal in words
	figures string // the figures compared
	got     string
	reached bool
	known   bool
	unsure  bool // the rounds lie on both sides of the goal
}

func (s *summary) judge(g goal) verdict {
	ours := s.get(g.store, us, g.measure)
	v := verdict{text: title(g.measure)}
	if g.most > 0 {
		v.text += fmt.Sprintf(": at most %s %s", number(g.most), g.unit)
		if ours.ok() {
			v.known, v.reached = true, ours.median <= g.most
			v.unsure = ours.low <= g.most && ours.high > g.most
			v.got = number(ours.median) + " " + g.unit + spread(ours)
		}
		return v
	}
	other := g.other
	if other == "" {
		other = g.measure
	}
	var best *figure
	name := g.against[0]
	for _, system := range g.against {
		if f := s.get(g.store, system, other); f.ok() && (best == nil || f.median > best.median) {
			best, name = f, system
		}
	}
	switch {
	case g.other != "":
		v.text += fmt.Sprintf(": at least %s x %s", number(g.least), title(g.other))
	case len(g.against) > 1:
		v.text += fmt.Sprintf(": at least %s x the best of %s", number(g.least), strings.Join(g.against, " and "))
	default:
		v.text += fmt.Sprintf(": at least %s x %s", number(g.least), name)
	}
	if r := ratio(ours, best); r != nil {
		v.known, v.reached = true, r.median >= g.least
		v.unsure = r.low < g.least && r.high >= g.least
		v.got = number(r.median) + " x" + spread(r)
		v.figures = number(ours.median) + " to " + number(best.median)
	}
	return v
}
