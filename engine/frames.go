// Frames: what goes over the pipes. A frame is two little-endian 32-bit lengths, of all that follows and of the header,
// then the header (JSON), then a body of bytes. Many requests share one pair of pipes; each frame names its request.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

const (
	// protocolVersion changes when a frame of one side would be misread by the other.
	protocolVersion = 1
	maxFrameBytes   = 512 << 20
)

// incoming is the header of a frame from Node.
type incoming struct {
	Type string `json:"t"` // request, cancel, file
	ID   uint64 `json:"id"`

	// request
	Kind   string          `json:"kind,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Limits limits          `json:"limits,omitempty"`

	// file: the answer to the request's question of that number
	Call    uint64      `json:"call,omitempty"`
	Found   string      `json:"found,omitempty"` // file, directory, absent, refused
	Message string      `json:"message,omitempty"`
	Path    string      `json:"path,omitempty"` // where a link led to
	Entries []fileEntry `json:"entries,omitempty"`
}

// fileEntry is one name of a directory, or with Size one file whose bytes stand in the frame's body.
type fileEntry struct {
	Path      string `json:"p"`
	Directory bool   `json:"d,omitempty"`
	Size      int    `json:"s,omitempty"`
}

// limits of one request; zero means the engine's default.
type limits struct {
	OutputBytes int64 `json:"outputBytes,omitempty"`
	Files       int   `json:"files,omitempty"`
	FileBytes   int64 `json:"fileBytes,omitempty"`
}

// outgoing is the header of a frame to Node.
type outgoing struct {
	Type string `json:"t"` // hello, ask, result, error
	ID   uint64 `json:"id,omitempty"`

	Protocol int             `json:"protocol,omitempty"`
	Engine   string          `json:"engine,omitempty"`
	Locks    map[string]bool `json:"locks,omitempty"`

	Call uint64 `json:"call,omitempty"`
	Ask  string `json:"ask,omitempty"` // open, list, tree
	Path string `json:"path,omitempty"`

	Error *failure `json:"error,omitempty"`
}

// failure is an error that a person reads: what, and where as far as known.
type failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

func (f *failure) Error() string { return f.Message }

func failf(kind, format string, args ...any) *failure {
	return &failure{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// The kinds of failures. Node maps each to a code of its catalogue.
const (
	kindTemplate     = "template"     // a chart, overlay or program that cannot be rendered
	kindManifest     = "manifest"     // what was rendered is not a valid document
	kindMissing      = "missing"      // a file or chart that is not there
	kindRefused      = "refused"      // something that sources may not do: remote URLs, programs, paths outside
	kindTooLarge     = "too-large"    // more files or output than the limits allow
	kindValues       = "values"       // values that do not meet the chart's schema
	kindUnsupported  = "unsupported"  // a feature that this engine has not
	kindRequest      = "request"      // the request itself is malformed
	kindCancelled    = "cancelled"    // the caller gave up
	kindTimeout      = "timeout"      // a script that does not end
	kindCapabilities = "capabilities" // the chart does not want this Kubernetes version
)

func readFrame(in *bufio.Reader) (*incoming, []byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, nil, err
	}
	total := binary.LittleEndian.Uint32(head[:4])
	header := binary.LittleEndian.Uint32(head[4:])
	if total < 4 || total > maxFrameBytes || header > total-4 {
		return nil, nil, errors.New("a frame's lengths make no sense")
	}
	bytes := make([]byte, total-4)
	if _, err := io.ReadFull(in, bytes); err != nil {
		return nil, nil, err
	}
	message := new(incoming)
	if err := json.Unmarshal(bytes[:header], message); err != nil {
		return nil, nil, fmt.Errorf("a frame's header is no valid JSON: %w", err)
	}
	return message, bytes[header:], nil
}

// frameWriter writes whole frames, one at a time.
type frameWriter struct {
	mutex sync.Mutex
	out   *bufio.Writer
}

func (w *frameWriter) write(message *outgoing, body []byte) error {
	header, err := json.Marshal(message)
	if err != nil {
		return err
	}
	var head [8]byte
	binary.LittleEndian.PutUint32(head[:4], uint32(4+len(header)+len(body)))
	binary.LittleEndian.PutUint32(head[4:], uint32(len(header)))
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, part := range [][]byte{head[:], header, body} {
		if _, err := w.out.Write(part); err != nil {
			return err
		}
	}
	return w.out.Flush()
}
