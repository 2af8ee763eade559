//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups has a value after each SIGHUP, or several of them, until it is told to stop.
func hangups() (reload <-chan struct{}, stop func()) {
	signals, out, over := make(chan os.Signal, 1), make(chan struct{}, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-signals:
			case <-over:
				return
			}
			select {
			case out <- struct{}{}:
			default: // it is to be read anew anyway
			}
		}
	}()
	return out, func() {
		signal.Stop(signals)
		close(over)
	}
}
