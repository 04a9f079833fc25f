package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
)

func TestCleanKeepsPathsInside(t *testing.T) {
	for name, want := range map[string]string{
		"a/b": "a/b", "./a//b/": "a/b", "": "", ".": "", "a/..": "", "a/../b": "b",
		"..": "!", "../a": "!", "a/../../b": "!", "/etc": "!", "..a": "..a",
	} {
		found, err := clean(name)
		if (err != nil) != (want == "!") || (err == nil && found != want) {
			t.Errorf("%q: %q, %v", name, found, err)
		}
	}
}

func TestRemoteReferences(t *testing.T) {
	for text, want := range map[string]bool{
		"https://example.com/a": true, "git@example.com:a/b": true, "ssh://git@example.com/a": true, "file:///etc": true,
		"github.com/a/b": true, "git::https://example.com/a": true, "user@example.com:a": true,
		"../base": false, "base": false, "a@b": false, "a/b@c:d": false, "": false, "github.company/a": false,
	} {
		if isRemote(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestCommasOfParameters(t *testing.T) {
	for value, want := range map[string]string{
		"a": "a", "a,b": `a\,b`, `a\,b`: `a\,b`, "{a,b}": "{a,b}", "": "", ",": `\,`,
	} {
		if found := escapeCommas(value); found != want {
			t.Errorf("%q: %q", value, found)
		}
	}
}

func TestPlacesInMessages(t *testing.T) {
	same := func(name string) string { return name }
	for message, want := range map[string]failure{
		"template: web/templates/a.yaml:3:7: executing": {File: "web/templates/a.yaml", Line: 3, Column: 7},
		"something at a.jsonnet:12 happened":            {File: "a.jsonnet", Line: 12},
		"nothing to see":                                {},
	} {
		found := located(&failure{Message: message}, same)
		if found.File != want.File || found.Line != want.Line || found.Column != want.Column {
			t.Errorf("%q: %s:%d:%d", message, found.File, found.Line, found.Column)
		}
	}
}

func frame(header string, body string) []byte {
	head := make([]byte, 8)
	binary.LittleEndian.PutUint32(head[:4], uint32(4+len(header)+len(body)))
	binary.LittleEndian.PutUint32(head[4:], uint32(len(header)))
	return append(append(head, header...), body...)
}

func TestFramesThatMakeNoSense(t *testing.T) {
	huge := frame(`{}`, "")
	binary.LittleEndian.PutUint32(huge[:4], 1<<31)
	long := frame(`{}`, "")
	binary.LittleEndian.PutUint32(long[4:], 100)
	for name, bytes := range map[string][]byte{"too long": huge, "a header longer than the frame": long, "no JSON": frame(`{`, "")} {
		if _, _, err := readFrame(bufio.NewReader(strings.NewReader(string(bytes)))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	message, body, err := readFrame(bufio.NewReader(bytes.NewReader(frame(`{"t":"file","id":7,"found":"file"}`, "text"))))
	if err != nil || message.ID != 7 || message.Found != "file" || string(body) != "text" {
		t.Errorf("%v %q %v", message, body, err)
	}
}

// serveOne runs the server over one request whose files are those given; returns the last frame.
func serveOne(t *testing.T, kind string, params any, files map[string]string) (*outgoing, []byte) {
	t.Helper()
	toEngine, toEngineWrite := io.Pipe()
	fromEngineRead, fromEngine := io.Pipe()
	served := newServer(bufio.NewReader(toEngine), bufio.NewWriter(fromEngine))
	done := make(chan error, 1)
	go func() { done <- served.serve(nil) }()
	defer func() {
		toEngineWrite.Close()
		<-done
	}()
	encoded, _ := json.Marshal(params)
	request, _ := json.Marshal(map[string]any{"t": "request", "id": 1, "kind": kind, "params": json.RawMessage(encoded)})
	in := bufio.NewReader(fromEngineRead)
	go func() { _, _ = toEngineWrite.Write(frame(string(request), "")) }()
	for {
		head := make([]byte, 8)
		if _, err := io.ReadFull(in, head); err != nil {
			t.Fatal(err)
		}
		rest := make([]byte, binary.LittleEndian.Uint32(head[:4])-4)
		if _, err := io.ReadFull(in, rest); err != nil {
			t.Fatal(err)
		}
		size := binary.LittleEndian.Uint32(head[4:])
		message := new(outgoing)
		if err := json.Unmarshal(rest[:size], message); err != nil {
			t.Fatal(err)
		}
		switch message.Type {
		case "ask":
			header, body := answerOf(message, files)
			go func() { _, _ = toEngineWrite.Write(frame(header, body)) }()
		case "result", "error":
			return message, rest[size:]
		}
	}
}

func answerOf(ask *outgoing, files map[string]string) (string, string) {
	answer := map[string]any{"t": "file", "id": ask.ID, "call": ask.Call, "found": "absent"}
	text, isFile := files[ask.Path]
	below := ask.Path + "/"
	var entries []fileEntry
	body := ""
	for name, content := range files {
		if rest, found := strings.CutPrefix(name, below); found {
			answer["found"] = "directory"
			entries = append(entries, fileEntry{Path: rest, Size: len(content)})
			body += content
		}
	}
	if isFile {
		answer["found"], body = "file", text
	} else if ask.Ask == "tree" {
		answer["entries"] = entries
	} else {
		body = ""
	}
	header, _ := json.Marshal(answer)
	return string(header), body
}

func TestRendersOverTheProtocol(t *testing.T) {
	object := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: NAME\n"
	cases := []struct {
		kind   string
		params any
		files  map[string]string
		want   string
	}{
		{"helm", map[string]any{"chart": "c", "releaseName": "r", "namespace": "n"}, map[string]string{
			"c/Chart.yaml":       "apiVersion: v2\nname: c\nversion: 1.0.0\n",
			"c/templates/a.yaml": "\n" + strings.Replace(object, "NAME", "{{ .Release.Name }}", 1),
		}, `{"file":"c/templates/a.yaml","line":2,"object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"r"}}}`},
		{"kustomize", map[string]any{"path": "o"}, map[string]string{
			"o/kustomization.yaml": "resources: [../b]\nnamePrefix: x-\n",
			"b/kustomization.yaml": "resources: [a.yaml]\n",
			"b/a.yaml":             "# first\n" + strings.Replace(object, "NAME", "a", 1),
		}, `{"file":"b/a.yaml","line":2,"object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x-a"}}}`},
	}
	for _, one := range cases {
		t.Run(one.kind, func(t *testing.T) {
			message, body := serveOne(t, one.kind, one.params, one.files)
			if message.Type != "result" || !strings.Contains(string(body), one.want) {
				t.Errorf("%s %v %s", message.Type, message.Error, body)
			}
		})
	}
	message, _ := serveOne(t, "nothing", map[string]any{}, nil)
	if message.Type != "error" || message.Error.Kind != kindRequest {
		t.Errorf("%v", message)
	}
}

// What the self-test of the locks tries must succeed where there are none: else it would prove nothing.
func TestSelfTestSeesWhatIsAllowed(t *testing.T) {
	t.Setenv("DRIFTLESS_TEST", "x")
	text, err := selfTest(nil)
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]string{}
	if err := json.Unmarshal(text, &tried); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"readFile", "readDirectory", "stat", "writeFile", "udp", "listen", "process", "fork", "kill", "environment"} {
		if tried[name] != "allowed" {
			t.Errorf("%s: %s", name, tried[name])
		}
	}
	_ = os.Remove("/tmp/driftless-engine-selftest")
}
