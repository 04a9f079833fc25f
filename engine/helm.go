// Helm: renders a chart as `helm template` does, from files that Node serves. Source: Helm's "template" command and
// Argo CD's "Helm" page for which values win.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/ignore"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"
)

type helmParams struct {
	Chart       string      `json:"chart"` // directory of the chart
	ReleaseName string      `json:"releaseName"`
	Namespace   string      `json:"namespace"`
	KubeVersion string      `json:"kubeVersion,omitempty"`
	APIVersions []string    `json:"apiVersions,omitempty"`
	Values      []namedText `json:"values,omitempty"` // later ones win
	Set         []setting   `json:"set,omitempty"`
	SetString   []setting   `json:"setString,omitempty"`
	SetFile     []setting   `json:"setFile,omitempty"` // values are the files' texts
	SkipCRDs    bool        `json:"skipCrds,omitempty"`
	SkipTests   bool        `json:"skipTests,omitempty"`
	SkipSchema  bool        `json:"skipSchemaValidation,omitempty"`
	SkipHooks   bool        `json:"-"`
	Archives    []string    `json:"-"`
}

type namedText struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func renderHelm(r *request) ([]byte, error) {
	var params helmParams
	if err := r.decode(&params); err != nil {
		return nil, err
	}
	source := newFiles(r)
	main, err := loadChart(source, params.Chart)
	if err != nil {
		return nil, err
	}
	values, err := mergeValues(&params)
	if err != nil {
		return nil, err
	}
	if err := addDependencies(source, params.Chart, main); err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(main, values); err != nil {
		return nil, err
	}
	place := func(name string) string { return chartFile(params.Chart, main.Name(), name) }
	result := newRendered(r)
	if err := renderChart(r, &params, main, values, result, place); err != nil {
		return nil, located(asFailure(err), place)
	}
	return result.finish()
}

func renderChart(r *request, params *helmParams, main *chart.Chart, values map[string]any, result *rendered, place func(string) string) error {
	if main.Metadata.Type != "" && main.Metadata.Type != "application" {
		return failf(kindTemplate, "charts of the type %s cannot be installed", main.Metadata.Type)
	}
	known, err := newCapabilities(params, result.used)
	if err != nil {
		return err
	}
	if wanted := main.Metadata.KubeVersion; wanted != "" {
		version := known.KubeVersion()
		if !chartutil.IsCompatibleRange(wanted, version.String()) {
			return &failure{Kind: kindCapabilities, File: path.Join(params.Chart, "Chart.yaml"),
				Message: fmt.Sprintf("the chart requires kubeVersion %s, which Kubernetes %s is not", wanted, version.Version)}
		}
	}
	options := common.ReleaseOptions{Name: params.ReleaseName, Namespace: params.Namespace, Revision: 1, IsInstall: true}
	top, err := util.ToRenderValuesWithSchemaValidation(main, values, options, known.real, true)
	if err != nil {
		return err
	}
	if !params.SkipSchema {
		if err := checkSchemas(main, top["Values"]); err != nil {
			err.File = path.Join(params.Chart, "values.schema.json")
			return err
		}
	}
	top["Capabilities"] = known
	texts, err := (engine.Engine{}).RenderWithContext(r.ctx, main, top)
	if err != nil {
		return err
	}
	var total int64
	for name, text := range texts {
		total += int64(len(text))
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(texts, name)
		}
	}
	if total > r.limits.OutputBytes {
		return &failure{Kind: kindTooLarge, File: params.Chart,
			Message: fmt.Sprintf("the templates' output has %d bytes, more than the limit of %d", total, r.limits.OutputBytes)}
	}
	return collect(params, main, texts, result, place)
}

// collect gives the objects in the order of `helm template`: CRDs, manifests by kind, hooks by kind.
func collect(params *helmParams, main *chart.Chart, texts map[string]string, result *rendered, place func(string) string) error {
	result.lines = chartLines(main, place)
	hooks, manifests, err := releaseutil.SortManifests(texts, nil, releaseutil.InstallOrder)
	if err != nil {
		if match := yamlParseOn.FindStringSubmatch(err.Error()); match != nil {
			return manifestFailure(place(match[1]), fmt.Errorf("%s", strings.TrimPrefix(err.Error(), match[0])))
		}
		return err
	}
	var parts []part
	if !params.SkipCRDs {
		for _, crd := range main.CRDObjects() {
			parts = append(parts, part{place(crd.Filename), string(crd.File.Data), addDocuments})
		}
	}
	for _, manifest := range manifests {
		parts = append(parts, part{place(manifest.Name), manifest.Content, (*rendered).addYAML})
	}
	// The command ends each with a line break and trims the last: a text that keeps its last line breaks shows it.
	for index, one := range parts {
		text := one.text + "\n"
		if index == len(parts)-1 {
			text = strings.TrimSpace(text) + "\n"
		}
		if err := one.add(result, one.file, text); err != nil {
			return err
		}
	}
	for _, hook := range hooks {
		if params.SkipHooks || params.SkipTests && slices.Contains(hook.Events, release.HookTest) {
			continue
		}
		if err := result.addYAML(place(hook.Path), hook.Manifest+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// chartLines finds objects in the templates and CRDs of a chart and of what it depends on.
func chartLines(main *chart.Chart, place func(string) string) *sourceLines {
	sources := map[string][]byte{}
	var visit func(*chart.Chart)
	visit = func(one *chart.Chart) {
		for _, list := range [][]*common.File{one.Templates, one.Files} {
			for _, file := range list {
				sources[place(path.Join(one.ChartFullPath(), file.Name))] = file.Data
			}
		}
		for _, below := range one.Dependencies() {
			visit(below)
		}
	}
	visit(main)
	return &sourceLines{read: func(file string) []byte { return sources[file] }, known: map[string][]document{}}
}

// part is some text of the output with the file that it came from, and whether it may hold several documents.
type part struct {
	file, text string
	add        func(*rendered, string, string) error
}

func addDocuments(result *rendered, fromFile, text string) error {
	documents := releaseutil.SplitManifests(text)
	keys := make([]string, 0, len(documents))
	for key := range documents {
		keys = append(keys, key)
	}
	sort.Sort(releaseutil.BySplitManifestsOrder(keys))
	for _, key := range keys {
		if err := result.addYAML(fromFile, documents[key]); err != nil {
			return err
		}
	}
	return nil
}

// chartFile turns the name of a template, which begins with the chart's name, into a path of the repository.
func chartFile(folder, chartName, name string) string {
	rest, found := strings.CutPrefix(name, chartName+"/")
	if !found {
		return name
	}
	return path.Join(folder, rest)
}

// loadChart reads a chart's directory, less what .helmignore names.
func loadChart(source *files, folder string) (*chart.Chart, error) {
	return loadFolder(source, folder, true)
}

// loadFolder reads a chart's files. What .helmignore names is in no archive, so of one it is not asked.
func loadFolder(source *files, folder string, ignores bool) (*chart.Chart, error) {
	tree, err := source.tree(folder)
	if err != nil {
		return nil, err
	}
	if tree == nil {
		return nil, &failure{Kind: kindMissing, Message: "no directory " + folder, File: folder}
	}
	rules := ignore.Empty()
	for _, one := range tree {
		if ignores && one.path == ignore.HelmIgnore {
			if rules, err = ignore.Parse(bytes.NewReader(one.data)); err != nil {
				return nil, &failure{Kind: kindTemplate, Message: err.Error(), File: path.Join(folder, ignore.HelmIgnore)}
			}
		}
	}
	rules.AddDefaults()
	isV3 := apiVersionOf(tree) == apiVersionV3
	skipped := map[string]bool{}
	buffered := make([]*archive.BufferedFile, 0, len(tree))
	for _, one := range tree {
		if ignores && ignored(rules, skipped, one.path) || isV3 && isRequirements(one.path) {
			continue
		}
		data := bytes.TrimPrefix(one.data, []byte{0xEF, 0xBB, 0xBF})
		buffered = append(buffered, &archive.BufferedFile{Name: one.path, Data: data})
	}
	loaded, err := loader.LoadFiles(buffered)
	if err != nil {
		found := failf(kindTemplate, "%s", err.Error())
		if loaded == nil || loaded.Metadata == nil || strings.Contains(err.Error(), "Chart.yaml") {
			found.File = path.Join(folder, "Chart.yaml")
		} else if strings.Contains(err.Error(), "values.yaml") {
			found.File = path.Join(folder, "values.yaml")
		}
		if match := yamlLine.FindStringSubmatch(found.Message); match != nil {
			found.Line = number(match[1])
		}
		return nil, found
	}
	return loaded, nil
}

// apiVersionV3 marks charts of Helm 4's new format. Its structures are internal to Helm, and its command line renders none
// yet; in what templates see it equals v2, but that requirements.yaml is a file like others. So v2's structures hold it.
const apiVersionV3 = "v3"

func apiVersionOf(tree []treeFile) string {
	var found struct {
		APIVersion string `json:"apiVersion"`
	}
	for _, one := range tree {
		if one.path == "Chart.yaml" && yaml.Unmarshal(one.data, &found) != nil {
			return ""
		}
	}
	return found.APIVersion
}

func isRequirements(name string) bool {
	return name == "requirements.yaml" || name == "requirements.lock"
}

type ignoreInfo struct {
	name      string
	directory bool
}

func (i ignoreInfo) Name() string { return i.name }
func (i ignoreInfo) Size() int64  { return 0 }
func (i ignoreInfo) Mode() os.FileMode {
	if i.directory {
		return os.ModeDir
	}
	return 0
}
func (i ignoreInfo) ModTime() time.Time { return time.Time{} }
func (i ignoreInfo) IsDir() bool        { return i.directory }
func (i ignoreInfo) Sys() any           { return nil }

func ignored(rules *ignore.Rules, skipped map[string]bool, name string) bool {
	for at, letter := range name {
		if letter != '/' {
			continue
		}
		folder := name[:at]
		skip, known := skipped[folder]
		if !known {
			skip = rules.Ignore(folder, ignoreInfo{path.Base(folder), true})
			skipped[folder] = skip
		}
		if skip {
			return true
		}
	}
	return rules.Ignore(name, ignoreInfo{path.Base(name), false})
}

var unescapedComma = regexp.MustCompile(`\\,|,`)

// escapeCommas keeps a parameter's commas, as Argo CD does: they are part of the value, but for a list in braces.
func escapeCommas(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	return unescapedComma.ReplaceAllString(value, `\,`)
}

func mergeValues(params *helmParams) (map[string]any, error) {
	merged := map[string]any{}
	for _, one := range params.Values {
		values, err := loader.LoadValues(strings.NewReader(one.Text))
		if err != nil {
			found := failf(kindTemplate, "%s", strings.TrimPrefix(err.Error(), "cannot unmarshal yaml document: "))
			found.File = one.Name
			if match := yamlLine.FindStringSubmatch(found.Message); match != nil {
				found.Line = number(match[1])
			}
			return nil, found
		}
		merged = loader.MergeMaps(merged, values)
	}
	for _, one := range params.Set {
		if err := strvals.ParseInto(one.Name+"="+escapeCommas(one.Value), merged); err != nil {
			return nil, failf(kindTemplate, "the parameter %s: %v", one.Name, err)
		}
	}
	for _, one := range params.SetString {
		if err := strvals.ParseIntoString(one.Name+"="+escapeCommas(one.Value), merged); err != nil {
			return nil, failf(kindTemplate, "the parameter %s: %v", one.Name, err)
		}
	}
	for _, one := range params.SetFile {
		read := func([]rune) (any, error) { return one.Value, nil }
		if err := strvals.ParseIntoFile(one.Name+"=file", merged, read); err != nil {
			return nil, failf(kindTemplate, "the file parameter %s: %v", one.Name, err)
		}
	}
	return merged, nil
}

// capabilities is what templates see as .Capabilities; it notes which of its parts are asked for.
type capabilities struct {
	real *common.Capabilities
	used map[string]bool
}

func newCapabilities(params *helmParams, used map[string]bool) (*capabilities, error) {
	known := common.DefaultCapabilities.Copy()
	if params.KubeVersion != "" {
		version, err := common.ParseKubeVersion(params.KubeVersion)
		if err != nil {
			return nil, failf(kindTemplate, "kubeVersion %q: %v", params.KubeVersion, err)
		}
		known.KubeVersion = *version
	}
	if len(params.APIVersions) > 0 {
		known.APIVersions = append(slices.Clone(known.APIVersions), params.APIVersions...)
	}
	return &capabilities{real: known, used: used}, nil
}

func (c *capabilities) KubeVersion() *common.KubeVersion {
	c.used["kubeVersion"] = true
	return &c.real.KubeVersion
}

func (c *capabilities) APIVersions() common.VersionSet {
	c.used["apiVersions"] = true
	return c.real.APIVersions
}

func (c *capabilities) HelmVersion() any { return c.real.HelmVersion }

func (c *capabilities) MarshalJSON() ([]byte, error) {
	c.used["kubeVersion"], c.used["apiVersions"] = true, true
	return json.Marshal(c.real)
}

// warmUp does once, before the process is locked in, what libraries do on first use.
func warmUp() {
	_ = time.Now().Local().String() // the time zone's file
	_, _ = (engine.Engine{}).RenderWithContext(context.Background(), &chart.Chart{
		Metadata:  &chart.Metadata{Name: "warm", Version: "1.0.0", APIVersion: "v2"},
		Templates: []*common.File{{Name: "templates/a.yaml", Data: []byte("a: {{ .Release.Name | upper }}\n")}},
	}, common.Values{"Release": map[string]any{"Name": "a"}, "Values": map[string]any{}, "Capabilities": nil})
	_, _ = yaml.YAMLToJSON([]byte("a: 1"))
	warmKustomize()
}
