package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnArchiveHoldsOneExecutableNamedBootstrap(t *testing.T) {
	program := filepath.Join(t.TempDir(), "mooring-lambda")
	if err := os.WriteFile(program, []byte("ELF"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.zip")
	if err := pack(out, program); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(out)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
		t.Fatalf("archive holds %v", z.File)
	}
	r, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(r); err != nil || string(body) != "ELF" {
		t.Fatalf("bootstrap is %q, %v", body, err)
	}
}

func TestEqualProgramsGiveEqualArchivesWheneverAndWhereverTheyArePacked(t *testing.T) {
	zone := time.Local
	t.Cleanup(func() { time.Local = zone })
	body := bytes.Repeat([]byte("mooring"), 10_000)
	var here, there bytes.Buffer
	if err := archive(&here, body); err != nil {
		t.Fatal(err)
	}
	time.Local = time.FixedZone("elsewhere", 9*60*60)
	synctest.Test(t, func(t *testing.T) { // where it is the year 2000
		if err := archive(&there, body); err != nil {
			t.Fatal(err)
		}
	})
	if !bytes.Equal(here.Bytes(), there.Bytes()) {
		t.Fatal("two archives of one program differ")
	}
}

func TestAFailedPackingLeavesNoArchive(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.zip")
	if err := pack(out, filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Fatal("packed a program that is not there")
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Fatalf("an archive is there: %v", err)
	}
}
