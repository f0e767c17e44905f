package sqlstore

import "github.com/errandhq/errand"

// leftovers has a row with a 1 for each kind of thing that has outlived its time, and the span of the audit log. The series
// are those of the steps of [errand.SeriesSteps].
const leftovers = `SELECT
(SELECT 1 FROM {expiring} WHERE expires_at IS NOT NULL AND expires_at <= ? ORDER BY expires_at LIMIT 1),
(SELECT 1 FROM errand_workers WHERE seen_at < ? LIMIT 1),
(SELECT 1 FROM errand_producers WHERE seen_at < ? LIMIT 1),
(SELECT 1 FROM errand_claims WHERE seen_at < ? LIMIT 1),
(SELECT 1 FROM errand_audit WHERE at < ? LIMIT 1),
(SELECT 1 FROM errand_series WHERE step = ? AND at <= ? LIMIT 1),
(SELECT 1 FROM errand_series WHERE step = ? AND at <= ? LIMIT 1),
(SELECT 1 FROM errand_series WHERE step = ? AND at <= ? LIMIT 1),
(SELECT MAX(seq) FROM errand_audit) - (SELECT MIN(seq) FROM errand_audit) + 1`

// hasLeftovers looks, by one statement, whether there may be anything to be deleted because its time is over. Where a look
// costs no round trip each kind is looked at when its turn comes.
func (s *Session) hasLeftovers() (found bool, err error) {
	if !s.dialect.Shared {
		return true, nil
	}
	silent := micros(s.now.Add(-silence))
	args := []any{micros(s.now), silent, silent, silent, micros(s.now.Add(-errand.KeepAudit))}
	for _, step := range errand.SeriesSteps() {
		args = append(args, seconds(step.Step), micros(step.Past(s.now)))
	}
	const kinds = 8
	_, err = one(s.tx, leftovers, func(row Row) error {
		for kind := range kinds {
			found = found || row.Int(kind) != 0
		}
		found = found || row.Int(kinds) > errand.MaxAudit
		return nil
	}, args...)
	return found, err
}
