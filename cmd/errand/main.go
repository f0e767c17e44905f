// Command errand is Errand's command line. It looks at every store and changes what becomes of jobs; the jobs that it
// runs are those of its demo. A binary that runs one's own is a main of a few lines: see package cli.
package main

import "github.com/errandhq/errand/cli"

func main() {
	cli.Main(cli.App{Name: "errand"})
}
