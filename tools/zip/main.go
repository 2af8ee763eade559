// Command zip packs a program as AWS Lambda wants it: one executable named bootstrap.
// Equal programs give equal archives, wherever and whenever they are packed.
//
// Usage: zip OUT.zip PROGRAM
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-golang.html
package main

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: zip OUT.zip PROGRAM")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "zip:", err)
		os.Exit(1)
	}
}

// pack writes the archive beside its name first, so that what bears the name is whole.
func pack(out, program string) (err error) {
	body, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("read program: %w", err)
	}
	part, err := os.Create(out + ".part")
	if err != nil {
		return fmt.Errorf("create archive: %w", err)
	}
	if err := archive(part, body); err != nil {
		_ = part.Close()
		return fmt.Errorf("write archive: %w", err)
	}
	if err := part.Close(); err != nil {
		return fmt.Errorf("close archive: %w", err)
	}
	return os.Rename(part.Name(), out)
}

// archive holds neither the time of day, nor the umask, nor a path of the machine that packs.
func archive(w io.Writer, body []byte) error {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: epoch}
	header.SetMode(0o755)
	file, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	if _, err := file.Write(body); err != nil {
		return err
	}
	return z.Close()
}

// epoch is the first moment that an archive can tell.
var epoch = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)
