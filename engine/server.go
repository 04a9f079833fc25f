// The server: takes requests, runs each in its own goroutine, carries their questions for files, answers or fails each
// for itself. A panic of a library is one request's failure.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
)

type answer struct {
	message *incoming
	body    []byte
}

// request is one request under way.
type request struct {
	id     uint64
	params json.RawMessage
	limits limits
	ctx    context.Context
	cancel context.CancelFunc
	server *server

	mutex   sync.Mutex
	calls   uint64
	waiting map[uint64]chan answer
}

type server struct {
	in  *bufio.Reader
	out frameWriter

	mutex   sync.Mutex
	running map[uint64]*request
}

func newServer(in *bufio.Reader, out *bufio.Writer) *server {
	return &server{in: in, out: frameWriter{out: out}, running: map[uint64]*request{}}
}

// handlers: one for each kind of request. Each returns the JSON text of the result.
var handlers = map[string]func(*request) ([]byte, error){
	"ping":       func(*request) ([]byte, error) { return []byte(`{}`), nil },
	"selftest":   selfTest,
	"helm":       renderHelm,
	"kustomize":  renderKustomize,
	"jsonnet":    renderJsonnet,
	"gotemplate": evaluateTemplates,
	"expr":       evaluateExpr,
	"lua":        evaluateLua,
	"jq":         evaluateJq,
	"cel":        evaluateCel,
	"semver":     evaluateSemver,
}

func (s *server) serve(locks map[string]bool) error {
	if err := s.out.write(&outgoing{Type: "hello", Protocol: protocolVersion, Engine: version, Locks: locks}, nil); err != nil {
		return err
	}
	for {
		message, body, err := readFrame(s.in)
		if err != nil {
			return err
		}
		switch message.Type {
		case "request":
			s.start(message)
		case "cancel":
			if found := s.find(message.ID); found != nil {
				found.cancel()
			}
		case "file":
			if found := s.find(message.ID); found != nil {
				found.deliver(message, body)
			}
		default:
			return fmt.Errorf("a frame of the unknown type %q", message.Type)
		}
	}
}

func (s *server) find(id uint64) *request {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.running[id]
}

func (s *server) start(message *incoming) {
	ctx, cancel := context.WithCancel(context.Background())
	work := &request{
		id: message.ID, params: message.Params, limits: message.Limits.orDefaults(), ctx: ctx, cancel: cancel,
		server: s, waiting: map[uint64]chan answer{},
	}
	s.mutex.Lock()
	s.running[message.ID] = work
	s.mutex.Unlock()
	go func() {
		result, err := work.run(message.Kind)
		s.mutex.Lock()
		delete(s.running, message.ID)
		s.mutex.Unlock()
		cancel()
		if err == nil && int64(len(result)) > work.limits.OutputBytes {
			err = failf(kindTooLarge, "the output has %d bytes, more than the limit of %d", len(result), work.limits.OutputBytes)
		}
		if err != nil {
			_ = s.out.write(&outgoing{Type: "error", ID: message.ID, Error: asFailure(err)}, nil)
			return
		}
		_ = s.out.write(&outgoing{Type: "result", ID: message.ID}, result)
	}()
}

func (l limits) orDefaults() limits {
	if l.OutputBytes <= 0 {
		l.OutputBytes = 32 << 20
	}
	if l.Files <= 0 {
		l.Files = 20_000
	}
	if l.FileBytes <= 0 {
		l.FileBytes = 100 << 20
	}
	return l
}

func (r *request) run(kind string) (result []byte, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			stack := string(debug.Stack())
			if len(stack) > 4000 {
				stack = stack[:4000]
			}
			err = failf(kindTemplate, "the library failed: %v", thrown)
			_ = stack
		}
		if r.ctx.Err() != nil && err != nil {
			err = failf(kindCancelled, "cancelled")
		}
	}()
	handler := handlers[kind]
	if handler == nil {
		return nil, failf(kindRequest, "no request of the kind %q", kind)
	}
	return handler(r)
}

// ask puts a question to Node and waits for the answer.
func (r *request) ask(what, path string) (answer, error) {
	reply := make(chan answer, 1)
	r.mutex.Lock()
	r.calls++
	call := r.calls
	r.waiting[call] = reply
	r.mutex.Unlock()
	if err := r.server.out.write(&outgoing{Type: "ask", ID: r.id, Call: call, Ask: what, Path: path}, nil); err != nil {
		return answer{}, err
	}
	select {
	case found := <-reply:
		if found.message.Found == "refused" {
			return answer{}, &failure{Kind: kindRefused, Message: found.message.Message, File: path}
		}
		if found.message.Found == "failed" {
			return answer{}, &failure{Kind: kindRequest, Message: found.message.Message, File: path}
		}
		return found, nil
	case <-r.ctx.Done():
		return answer{}, failf(kindCancelled, "cancelled")
	}
}

func (r *request) deliver(message *incoming, body []byte) {
	r.mutex.Lock()
	reply := r.waiting[message.Call]
	delete(r.waiting, message.Call)
	r.mutex.Unlock()
	if reply != nil {
		reply <- answer{message, body}
	}
}

func (r *request) decode(into any) error {
	decoder := json.NewDecoder(strings.NewReader(string(r.params)))
	if err := decoder.Decode(into); err != nil {
		return failf(kindRequest, "the request's parameters: %v", err)
	}
	return nil
}

func asFailure(err error) *failure {
	var found *failure
	if errors.As(err, &found) {
		return found
	}
	return &failure{Kind: kindTemplate, Message: err.Error()}
}
