package main_test

import (
	"os"
	"testing"

	"mooring/cmd/internal/rigtest"
)

func TestMain(m *testing.M) { os.Exit(rigtest.Main(m)) }
