//go:build !unix || aix || solaris

package main

import "os"

// lock does nothing: Terraform's own lock on its state is all that there is.
func lock(*os.File) error { return nil }
