package main

import "golang.org/x/sys/unix"

const (
	auditArch    = unix.AUDIT_ARCH_AARCH64
	foreignCalls = 0
)

var oldCalls = []int{unix.SYS_ACCEPT, unix.SYS_FSTATAT}
