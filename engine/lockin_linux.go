//go:build amd64 || arm64

// Locking in: after this, the process can open no file, no socket, and start no program. Seccomp refuses the system
// calls, Landlock refuses paths and ports where the kernel has it, resource limits bound memory and descriptors.
package main

import (
	"os"
	"unsafe"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// lockIn returns which locks hold.
func lockIn(memoryBytes int64) map[string]bool {
	os.Clearenv()
	locks := map[string]bool{}
	locks["noNewPrivileges"] = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == nil
	locks["noDumps"] = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) == nil
	limit := func(resource int, value uint64) bool {
		return unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: value}) == nil
	}
	locks["memory"] = limit(unix.RLIMIT_DATA, uint64(memoryBytes))
	locks["files"] = limit(unix.RLIMIT_NOFILE, 16)
	locks["fileSize"] = limit(unix.RLIMIT_FSIZE, 0)
	limit(unix.RLIMIT_CORE, 0)
	abi, _, missing := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if missing == 0 && abi > 0 {
		locks["landlock"] = landlock.V6.BestEffort().Restrict() == nil
	} else {
		locks["landlock"] = false
	}
	locks["seccomp"] = refuseCalls() == nil
	return locks
}

// refuseCalls installs a filter on all threads: the refused calls fail with EPERM, and a new process (not thread) too.
func refuseCalls() error {
	const (
		loadWord   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		jumpEqual  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		jumpSet    = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		returnWith = unix.BPF_RET | unix.BPF_K
		numberAt   = 0
		archAt     = 4
		argumentAt = 16
	)
	refuse := uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.EPERM)
	program := []unix.SockFilter{
		{Code: loadWord, K: archAt},
		{Code: jumpEqual, Jt: 1, K: auditArch},
		{Code: returnWith, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: loadWord, K: numberAt},
	}
	if foreignCalls != 0 { // x32 calls on amd64 would pass under other numbers
		program = append(program,
			unix.SockFilter{Code: jumpSet, Jf: 1, K: foreignCalls},
			unix.SockFilter{Code: returnWith, K: refuse})
	}
	for _, number := range refusedCalls {
		program = append(program,
			unix.SockFilter{Code: jumpEqual, Jf: 1, K: uint32(number)},
			unix.SockFilter{Code: returnWith, K: refuse})
	}
	program = append(program,
		// clone3 hides its flags in memory: told that it does not exist, everyone falls back to clone.
		unix.SockFilter{Code: jumpEqual, Jf: 1, K: unix.SYS_CLONE3},
		unix.SockFilter{Code: returnWith, K: uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.ENOSYS)},
		// clone may make threads only.
		unix.SockFilter{Code: jumpEqual, Jf: 3, K: unix.SYS_CLONE},
		unix.SockFilter{Code: loadWord, K: argumentAt},
		unix.SockFilter{Code: jumpSet, Jt: 1, K: unix.CLONE_THREAD},
		unix.SockFilter{Code: returnWith, K: refuse},
		unix.SockFilter{Code: returnWith, K: unix.SECCOMP_RET_ALLOW})
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, failed := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&filter)))
	if failed != 0 {
		return failed
	}
	return nil
}

var refusedCalls = append([]int{
	unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_UNLINKAT,
	unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_FCHMODAT, unix.SYS_FCHOWNAT, unix.SYS_TRUNCATE,
	unix.SYS_STATX, unix.SYS_FACCESSAT, unix.SYS_READLINKAT, unix.SYS_MOUNT, unix.SYS_CHDIR,
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT4,
	unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_BPF,
	unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PERF_EVENT_OPEN, unix.SYS_IO_URING_SETUP,
	unix.SYS_USERFAULTFD, unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_MEMFD_CREATE, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_KILL,
}, oldCalls...)
