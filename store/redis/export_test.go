package redis

// DamageOptions puts bytes that are no options into a record of a job that has none.
func DamageOptions(record string) string {
	in := &reader{rest: record}
	in.bytes(headerLen)
	in.bytes(int(in.int(1))) // the task
	in.int(8)                // when it was enqueued
	at := len(record) - len(in.rest)
	if in.int(4) != 0 || in.short {
		panic("the record has options")
	}
	return record[:at] + string(appendInt(nil, 4, 4)) + `{"re` + record[at+4:]
}
