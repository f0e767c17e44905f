package lang

func chinese() map[string]string { return map[string]string{} }
