package cli

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/errandhq/errand/internal/wire"
	"github.com/spf13/cobra"
)

const modulePath = "github.com/errandhq/errand"

func (s *session) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   s.t("Print the version"),
		Long:    s.t("Print the version of this program, of Errand and of Go."),
		Example: s.example("version", "version --json"),
		Args:    noArgs,
		RunE: s.does(func(context.Context, []string) error {
			v := s.version()
			if s.json {
				return s.out.printJSON(v)
			}
			s.out.printf("%s %s (errand %s, %s, %s)\n", v.Program, cleanLine(v.Version), v.Errand, v.Go, v.System)
			return nil
		}),
	}
}

func (s *session) version() wire.Version {
	v := wire.Version{
		Program: s.name, Version: s.app.Version, Errand: "(devel)", Go: runtime.Version(),
		System: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		if v.Version == "" {
			v.Version = build.Main.Version
		}
		if build.Main.Path == modulePath && build.Main.Version != "" {
			v.Errand = build.Main.Version
		}
		for _, dep := range build.Deps {
			if dep.Path == modulePath {
				v.Errand = dep.Version
			}
		}
	}
	if v.Version == "" {
		v.Version = "(devel)"
	}
	return v
}
