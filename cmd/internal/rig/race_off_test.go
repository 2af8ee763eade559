//go:build !race

package rig_test

const racing = false
