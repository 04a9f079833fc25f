// A request for tests only: tries what the engine must not be able to do, and says what happened.
package main

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"syscall"
)

func selfTest(*request) ([]byte, error) {
	tried := map[string]string{}
	report := func(name string, err error) {
		if err == nil {
			tried[name] = "allowed"
		} else {
			tried[name] = "refused: " + err.Error()
		}
	}
	_, err := os.ReadFile("/etc/hostname")
	report("readFile", err)
	_, err = os.ReadDir("/")
	report("readDirectory", err)
	_, err = os.Stat("/etc/passwd")
	report("stat", err)
	report("writeFile", os.WriteFile("/tmp/driftless-engine-selftest", []byte("x"), 0o600))
	_, err = net.Dial("tcp", "127.0.0.1:1")
	report("tcp", err)
	_, err = net.Dial("udp", "127.0.0.1:53")
	report("udp", err)
	_, err = net.Listen("tcp", "127.0.0.1:0")
	report("listen", err)
	_, err = net.Dial("unix", "/tmp/none.sock")
	report("unix", err)
	report("process", exec.Command("/bin/true").Run())
	report("fork", forkOnly())
	report("kill", syscall.Kill(syscall.Getppid(), 0))
	environment := os.Environ()
	if len(environment) == 0 {
		tried["environment"] = "refused: empty"
	} else {
		tried["environment"] = "allowed"
	}
	return json.Marshal(tried)
}

func forkOnly() error {
	pid, err := syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{})
	if err == nil {
		var status syscall.WaitStatus
		_, _ = syscall.Wait4(pid, &status, 0, nil)
	}
	return err
}
