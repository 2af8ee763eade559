//go:build !unix

package main

// hangups never has a value: there is no SIGHUP here.
func hangups() (reload <-chan struct{}, stop func()) { return nil, func() {} }
