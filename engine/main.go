// driftless-engine: the official Helm, Kustomize, Jsonnet, Lua, jq, CEL and template libraries behind one framed protocol
// over stdin and stdout. It has no disk and no network: files come from Node, on request. A program of its own, so that a
// hostile source can be ended by ending the process.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"runtime/debug"
)

// version is the hash of what this program was built from; set at link time.
var version = "unknown"

func main() {
	memory := flag.Int64("memory-mib", 512, "memory limit in MiB; beyond it the process ends")
	threads := flag.Int("gc-percent", 200, "how much the heap may grow between collections, in percent")
	show := flag.Bool("version", false, "print the version and end")
	flag.Parse()
	if *show {
		fmt.Println(version)
		return
	}
	// Libraries log to the standard loggers; nobody reads that.
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	debug.SetGCPercent(*threads)
	debug.SetMemoryLimit((*memory << 20) * 3 / 4)
	warmUp()
	locks := lockIn(*memory << 20)
	server := newServer(bufio.NewReaderSize(os.Stdin, 256<<10), bufio.NewWriterSize(os.Stdout, 256<<10))
	if err := server.serve(locks); err != nil && err != io.EOF {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
