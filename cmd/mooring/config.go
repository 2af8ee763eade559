package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/internal/config"
)

func newConfig(m machine) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check a configuration, or print its schema",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigCheck(m), newConfigSchema(m))
	return cmd
}

func newConfigCheck(m machine) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say which bindings a configuration makes, or everything that is wrong with it",
		Long: `check reads a configuration as every other verb would: flags, the environment, and the file that --config
names (or MOORING_CONFIG, which may also hold the YAML itself). It prints a line for each binding, or every
fault with its place, as FILE:LINE:COLUMN. Bindings are counted from 0. Unless the file is on S3 nothing is called.

Exit codes: 0 no faults, 1 faults.`,
		Example: `  mooring config check --config bindings.yaml
  mooring config check --config s3://my-bucket/bindings.yaml --region eu-west-1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return checkConfig(cmd, m) },
	}
	bindSettings(cmd.Flags(), config.ProcessSettings())
	bindSettings(cmd.Flags(), config.Settings())
	return cmd
}

func newConfigSchema(m machine) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file",
		Long: `schema prints the JSON Schema (draft 2020-12) of the file that --config takes. Editors complete and check by it:
name it in the file's first line, "# yaml-language-server: $schema=mooring.schema.json".`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := m.out.Write(config.Schema())
			return err
		},
	}
}

// bindSettings adds a flag for each setting. What the flags say is read by package config.
func bindSettings(flags *pflag.FlagSet, settings []config.Setting) {
	flags.SortFlags = false
	for _, s := range settings {
		usage := fmt.Sprintf("%s [%s]", s.Usage, s.Variable())
		if s.Repeatable {
			flags.Var(&listValue{kind: s.Value}, s.Name, usage)
			continue
		}
		flags.Var(&textValue{kind: s.Value}, s.Name, usage)
	}
}

func checkConfig(cmd *cobra.Command, m machine) error {
	m.warn()
	flags := given(cmd.Flags())
	process, processErr := config.LoadProcess(flags, m.env)
	configs, err := config.Load(cmd.Context(), flags, m.env, rig.NewReader(flags, m.env))
	if err = errors.Join(processErr, err); err == nil {
		configs, err = config.Select(configs, process.Bindings)
	}
	if err != nil {
		return checkError{fmt.Errorf("configuration: %w", err)}
	}
	if err := listBindings(m.out, configs); err != nil {
		return fmt.Errorf("write the bindings: %w", err)
	}
	return nil
}

func listBindings(w io.Writer, configs []config.Config) error {
	noun := "bindings"
	if len(configs) == 1 {
		noun = "binding"
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%d %s, no faults\n", len(configs), noun)
	for _, c := range configs {
		port := "its own port"
		if c.Binding.Port != 0 {
			port = "port " + strconv.Itoa(int(c.Binding.Port))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.Binding.Name, strings.Join(c.Binding.Hostnames, ","),
			c.Binding.TargetGroup, port, mooring.Printable(c.Memory.String()))
	}
	return table.Flush()
}
