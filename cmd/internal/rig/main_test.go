package rig

import (
	"fmt"
	"os"
	"testing"

	"mooring/internal/store/mototest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := mototest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
