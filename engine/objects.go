// What a render gives back: objects as JSON, each with the file that it came from.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

type rendered struct {
	limit   int64
	out     bytes.Buffer
	count   int
	used    map[string]bool
	options map[string]any
	// lines finds the line of each object in its file; without it, every line is 1.
	lines *sourceLines
}

func newRendered(r *request) *rendered {
	result := &rendered{limit: r.limits.OutputBytes, used: map[string]bool{}, options: map[string]any{}}
	result.out.WriteString(`{"objects":[`)
	return result
}

// add takes one object's JSON text.
func (r *rendered) add(fromFile string, object []byte) error {
	line := 1
	if r.lines != nil {
		var is struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
		}
		if json.Unmarshal(object, &is) == nil {
			line = r.lines.of(fromFile, is.Kind, is.Metadata.Name)
		}
	}
	return r.addAt(fromFile, line, object)
}

// addAt takes one object's JSON text with the line where it begins.
func (r *rendered) addAt(fromFile string, line int, object []byte) error {
	if r.count > 0 {
		r.out.WriteByte(',')
	}
	r.count++
	name, _ := json.Marshal(fromFile)
	r.out.WriteString(`{"file":`)
	r.out.Write(name)
	if line > 1 {
		fmt.Fprintf(&r.out, `,"line":%d`, line)
	}
	r.out.WriteString(`,"object":`)
	r.out.Write(object)
	r.out.WriteByte('}')
	if int64(r.out.Len()) > r.limit {
		return &failure{Kind: kindTooLarge, Message: "the rendered manifests have more bytes than the limit allows", File: fromFile}
	}
	return nil
}

// addYAML takes one YAML document; an empty one is skipped.
func (r *rendered) addYAML(fromFile, text string) error {
	object, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return manifestFailure(fromFile, err)
	}
	if trimmed := bytes.TrimSpace(object); len(trimmed) == 0 || string(trimmed) == "null" {
		return nil
	}
	return r.add(fromFile, object)
}

func (r *rendered) finish() ([]byte, error) {
	r.out.WriteString(`],"used":`)
	used, err := json.Marshal(r.used)
	if err != nil {
		return nil, err
	}
	r.out.Write(used)
	r.out.WriteByte('}')
	return r.out.Bytes(), nil
}

// manifestFailure says where in the rendered text a document is no YAML.
func manifestFailure(fromFile string, err error) *failure {
	message := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	found := &failure{Kind: kindManifest, Message: message, File: fromFile}
	if match := yamlLine.FindStringSubmatch(message); match != nil {
		found.Line = number(match[1])
	}
	return found
}
