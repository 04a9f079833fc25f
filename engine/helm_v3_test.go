// Charts of apiVersion v3: Helm's own structures for them are internal, but its loader and its template engine, which are
// public, take them from a folder. What we make of the same files, held in v2's structures, is the same.
package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	v2loader "helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
)

func TestChartsOfV3(t *testing.T) {
	files := map[string]string{
		"Chart.yaml":                  "apiVersion: v3\nname: three\nversion: 1.2.3\nappVersion: '4'\nkeywords: [a]\nmaintainers: [{ name: Ada }]\nannotations: { a: b }\n",
		"values.yaml":                 "color: red\nsub: { color: blue }\nlist: [1, 2]\n",
		"values.schema.json":          `{"properties":{"color":{"type":"string"}}}`,
		"requirements.yaml":           "dependencies: [{ name: none, version: 1.0.0, repository: https://example.com }]\n",
		"note.txt":                    "a note",
		"templates/_helpers.tpl":      "{{- define \"name\" }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end -}}",
		"templates/a.yaml":            "name: {{ include \"name\" . }}\nchart: {{ toJson .Chart | quote }}\nvalues: {{ toJson .Values | quote }}\nnote: {{ .Files.Get \"note.txt\" }}\ntemplate: {{ .Template.Name }} {{ .Template.BasePath }}\n",
		"charts/sub/Chart.yaml":       "apiVersion: v3\nname: sub\nversion: 0.1.0\n",
		"charts/sub/values.yaml":      "color: none\nown: true\n",
		"charts/sub/templates/b.yaml": "color: {{ .Values.color }}\nown: {{ .Values.own }}\nroot: {{ .Chart.IsRoot }}\nall: {{ toJson .Chart | quote }}\n",
		"charts/sub/templates/_b.tpl": "",
		"crds/c.yaml":                 "kind: CustomResourceDefinition\n",
	}
	folder := t.TempDir()
	var tree []treeFile
	for name, text := range files {
		at := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		tree = append(tree, treeFile{name, []byte(text)})
	}
	theirs, err := loader.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if apiVersionOf(tree) != apiVersionV3 {
		t.Fatal("the version is not seen")
	}
	var buffered []*archive.BufferedFile
	for _, one := range tree {
		if !isRequirements(one.path) {
			buffered = append(buffered, &archive.BufferedFile{Name: one.path, Data: one.data})
		}
	}
	ours, err := v2loader.LoadFiles(buffered)
	if err != nil {
		t.Fatal(err)
	}
	render := func(chart any) map[string]string {
		options := common.ReleaseOptions{Name: "rel", Namespace: "prod", Revision: 1, IsInstall: true}
		values, err := util.ToRenderValuesWithSchemaValidation(chart, map[string]any{}, options, common.DefaultCapabilities, false)
		if err != nil {
			t.Fatal(err)
		}
		texts, err := (engine.Engine{}).Render(chart, values)
		if err != nil {
			t.Fatal(err)
		}
		return texts
	}
	if want, got := render(theirs), render(ours); !reflect.DeepEqual(want, got) {
		t.Errorf("Helm gives\n%v\nwe give\n%v", want, got)
	}
}
