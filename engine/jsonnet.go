// Jsonnet: evaluates files of a directory source; imports come from the repository. Source: Argo CD's "Jsonnet" page.
package main

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"

	jsonnet "github.com/google/go-jsonnet"
)

type jsonnetParams struct {
	Files   []string          `json:"files"`
	ExtVars []jsonnetVariable `json:"extVars,omitempty"`
	TLAs    []jsonnetVariable `json:"tlas,omitempty"`
	Libs    []string          `json:"libs,omitempty"`
}

type jsonnetVariable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Code  bool   `json:"code,omitempty"`
}

func renderJsonnet(r *request) ([]byte, error) {
	var params jsonnetParams
	if err := r.decode(&params); err != nil {
		return nil, err
	}
	importer := &repositoryImporter{source: newFiles(r), libs: params.Libs, found: map[string]jsonnet.Contents{}}
	machine := jsonnet.MakeVM()
	machine.Importer(importer)
	for _, one := range params.ExtVars {
		if one.Code {
			machine.ExtCode(one.Name, one.Value)
		} else {
			machine.ExtVar(one.Name, one.Value)
		}
	}
	for _, one := range params.TLAs {
		if one.Code {
			machine.TLACode(one.Name, one.Value)
		} else {
			machine.TLAVar(one.Name, one.Value)
		}
	}
	result := newRendered(r)
	for _, name := range params.Files {
		text, err := machine.EvaluateFile(name)
		if importer.refusal != nil {
			return nil, importer.refusal
		}
		if err != nil {
			return nil, jsonnetFailure(err, name)
		}
		if err := addValue(result, name, []byte(text)); err != nil {
			return nil, err
		}
		if r.ctx.Err() != nil {
			return nil, r.ctx.Err()
		}
	}
	return result.finish()
}

// addValue: a list is its items, anything else one object.
func addValue(result *rendered, name string, text []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(text, &list) == nil {
		for _, one := range list {
			if err := result.add(name, one); err != nil {
				return err
			}
		}
		return nil
	}
	return result.add(name, text)
}

type repositoryImporter struct {
	source  *files
	libs    []string
	found   map[string]jsonnet.Contents
	refusal *failure
}

func (i *repositoryImporter) Import(from, name string) (jsonnet.Contents, string, error) {
	if path.IsAbs(name) {
		i.refusal = &failure{Kind: kindRefused, Message: "the import of the absolute path " + name + " is refused", File: from}
		return jsonnet.Contents{}, "", i.refusal
	}
	folders := []string{path.Dir(from)}
	if from == "" {
		folders = []string{""}
	}
	for _, folder := range append(folders, i.libs...) {
		candidate := path.Join(folder, name)
		if known, ok := i.found[candidate]; ok {
			return known, candidate, nil
		}
		found, err := i.source.open(candidate)
		if err != nil {
			refusal := *asFailure(err)
			refusal.Message = "the import " + name + ": " + refusal.Message
			refusal.File = from
			i.refusal = &refusal
			return jsonnet.Contents{}, "", err
		}
		if found.kind == file {
			contents := jsonnet.MakeContentsRaw(found.data)
			i.found[candidate] = contents
			return contents, candidate, nil
		}
	}
	return jsonnet.Contents{}, "", &failure{Kind: kindMissing, Message: "the import " + name + " is not there", File: from}
}

var jsonnetPlace = regexp.MustCompile(`([^\s:"]+):\(?(\d+):(\d+)`)

func jsonnetFailure(err error, name string) *failure {
	message, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "RUNTIME ERROR: "), "\n")
	found := &failure{Kind: kindTemplate, Message: message, File: name}
	if match := jsonnetPlace.FindStringSubmatch(err.Error()); match != nil {
		found.File, found.Line, found.Column = match[1], number(match[2]), number(match[3])
		found.Message = strings.TrimSpace(strings.TrimPrefix(message, match[0]))
	}
	return found
}
