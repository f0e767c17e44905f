package storetest

import (
	"strings"

	"github.com/errandhq/errand"
)

var describeCases = []testCase{
	{name: "a store says what it is in one line", run: describeCase},
}

func describeCase(k *kit) {
	d, ok := k.st.(errand.Describer)
	if !ok {
		k.Skip("the store is no errand.Describer")
	}
	text, err := d.Describe(k.ctx)
	if err != nil || text == "" || strings.ContainsAny(text, "\n@") || strings.Contains(text, "://") {
		k.Errorf("it says %q, %v", text, err)
	}
}
