// `helmCharts` of a kustomization: rendered by the engine's own Helm, never by a program, and laid beside it as a resource
// before Kustomize reads it. Source: Kustomize's "helmCharts" field and its generator's rules for values and namespaces.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"
	"sigs.k8s.io/yaml"
)

type chartSettings struct {
	enabled     bool
	kubeVersion string
	apiVersions []string
	// anywhere: files may stand outside of the kustomization's folder.
	anywhere bool
	// namespaces that folders inherit from the kustomization that names them.
	namespaces map[string]string
}

func (k *kustomizeFiles) inflateCharts(tree *kyaml.RNode, change *rewrite) error {
	var content types.Kustomization
	if err := content.Unmarshal([]byte(change.text)); err != nil {
		return nil // Kustomize says what is wrong
	}
	content.FixKustomization()
	namespace := content.Namespace
	if namespace == "" {
		namespace = k.charts.namespaces[change.folder]
	}
	for _, lists := range [][]string{content.Resources, content.Components} {
		for _, one := range lists {
			k.charts.namespaces[path.Join(change.folder, one)] = namespace
		}
	}
	if len(content.HelmCharts) == 0 || !k.charts.enabled {
		return nil
	}
	globals := types.HelmGlobals{}
	if content.HelmGlobals != nil {
		globals = *content.HelmGlobals
	}
	var laid []string
	for index, one := range content.HelmCharts {
		if one.Namespace == "" {
			one.Namespace = namespace
		}
		text, err := k.inflate(one, globals, change)
		if err != nil {
			found := *asFailure(err)
			found.Message = k.readable(found.Message)
			if found.File == "" {
				found.File = change.name
			}
			if !strings.Contains(found.Message, one.Name) {
				found.Message = fmt.Sprintf("helmCharts %s: %s", one.Name, found.Message)
			}
			return &found
		}
		if k.pending {
			continue
		}
		if len(text) == 0 {
			continue
		}
		relative := path.Join(fetchedFolder, "charts", fmt.Sprintf("%d-%s.yaml", index, one.Name))
		k.written[path.Join(change.folder, relative)] = text
		laid = append(laid, relative)
	}
	for _, field := range []string{"helmCharts", "helmGlobals", "helmChartInflationGenerator"} {
		if _, err := tree.Pipe(kyaml.Clear(field)); err != nil {
			return err
		}
	}
	change.changed = true
	if len(laid) == 0 {
		return nil
	}
	_, err := tree.Pipe(kyaml.LookupCreate(kyaml.SequenceNode, "resources"), kyaml.Append(scalars(laid)...))
	return err
}

func scalars(texts []string) []*kyaml.Node {
	found := make([]*kyaml.Node, len(texts))
	for index, text := range texts {
		found[index] = kyaml.NewStringRNode(text).YNode()
	}
	return found
}

// inflate renders one chart as YAML documents.
func (k *kustomizeFiles) inflate(one types.HelmChart, globals types.HelmGlobals, change *rewrite) ([]byte, error) {
	if one.Name == "" {
		return nil, failf(kindTemplate, "the chart name cannot be empty")
	}
	folder, isLocal, err := k.chartFolder(one, globals, change)
	if err != nil || folder == "" {
		return nil, err
	}
	inside, err := k.inside(folder)
	if err != nil {
		return nil, err
	}
	values, err := k.chartValues(one, folder, isLocal, change)
	if err != nil {
		return nil, err
	}
	params := &helmParams{
		Chart: inside, Namespace: one.Namespace, Values: values, SkipCRDs: !one.IncludeCRDs, SkipTests: one.SkipTests,
		SkipHooks: one.SkipHooks, KubeVersion: one.KubeVersion, APIVersions: one.ApiVersions,
	}
	if params.Namespace == "" {
		params.Namespace = "default"
	}
	if k.charts.kubeVersion != "" && params.KubeVersion == "" {
		params.KubeVersion = k.charts.kubeVersion
	}
	if len(params.APIVersions) == 0 {
		params.APIVersions = k.charts.apiVersions
	}
	if params.ReleaseName, err = releaseName(one); err != nil {
		return nil, err
	}
	return k.renderLaid(params)
}

// chartFolder finds the chart below chartHome, else where Node mounts it from its repository; "" while that is awaited.
func (k *kustomizeFiles) chartFolder(one types.HelmChart, globals types.HelmGlobals, change *rewrite) (string, bool, error) {
	home := globals.ChartHome
	if home == "" {
		home = types.HelmDefaultHome
	}
	if path.IsAbs(home) {
		return "", false, &failure{Kind: kindRefused, Message: "chartHome " + home + " leads out of the repository", File: change.name}
	}
	home = path.Join(change.folder, home)
	if one.Version != "" && one.Repo != "" {
		home = path.Join(home, one.Name+"-"+one.Version)
	}
	local := path.Join(home, one.Name)
	if top := k.top(change.folder); local != top && !strings.HasPrefix(local, top+"/") {
		return "", false, &failure{Kind: kindRefused, Message: "chartHome leads out of its repository", File: change.name}
	}
	if k.IsDir(local) {
		return local, true, nil
	}
	if one.Repo == "" {
		return "", false, &failure{Kind: kindMissing, File: change.name,
			Message: fmt.Sprintf("helmCharts %s: no repo is given, and there is no chart at %s", one.Name, k.readable(local))}
	}
	wanted := change.wanted(one.Repo, "chart")
	wanted.URL, wanted.Chart, wanted.Repo, wanted.Version = "", one.Name, one.Repo, one.Version
	at, _, err := k.mount(wanted)
	return at, false, err
}

// chartValues are the values files in their order, the later ones winning.
func (k *kustomizeFiles) chartValues(one types.HelmChart, folder string, isLocal bool, change *rewrite) ([]namedText, error) {
	own := path.Join(folder, "values.yaml")
	read := func(name string, free bool) (namedText, error) {
		at := name
		if !path.IsAbs(name) {
			at = path.Join(change.folder, name)
		}
		if !free && !k.charts.anywhere && !strings.HasPrefix(at, strings.TrimSuffix(change.folder, "/")+"/") {
			return namedText{}, &failure{Kind: kindRefused, File: change.name,
				Message: fmt.Sprintf("the values file %s is not in or below %s", name, k.readable(change.folder))}
		}
		text, err := k.ReadFile(at)
		return namedText{k.readable(at), string(text)}, err
	}
	main, err := namedText{}, error(nil)
	if one.ValuesFile == "" {
		// Kustomize itself fails for a chart that has no values of its own.
		if main.Name = k.readable(own); k.Exists(own) {
			main, err = read(own, !isLocal)
		}
	} else if main, err = k.valuesByName(one.ValuesFile, change, read); k.pending {
		return nil, nil
	}
	merge := one.ValuesMerge
	if merge != "replace" && err != nil || len(one.ValuesInline) == 0 && err != nil {
		return nil, err
	}
	if len(one.ValuesInline) > 0 {
		if main.Text, err = mergeInline(merge, main.Text, one.ValuesInline); err != nil {
			return nil, err
		}
		main.Name = change.name
	}
	values := []namedText{main}
	for _, name := range one.AdditionalValuesFiles {
		next, err := k.valuesByName(name, change, read)
		if err != nil || k.pending {
			return nil, err
		}
		values = append(values, next)
	}
	return values, nil
}

func (k *kustomizeFiles) valuesByName(name string, change *rewrite, read func(string, bool) (namedText, error)) (namedText, error) {
	if !isURL(name) {
		return read(name, false)
	}
	relative, err := k.fetchFile(change.folder, change.wanted(name, "file"))
	if err != nil || relative == "" {
		return namedText{}, err
	}
	return read(relative, false)
}

// mergeInline lays inline values over a file's (override, the default), under them (merge), or in their place (replace).
func mergeInline(how, text string, inline map[string]any) (string, error) {
	if how != "replace" {
		fromFile, err := kyaml.Parse(text)
		if err != nil && strings.TrimSpace(text) != "" {
			return "", failf(kindTemplate, "the values file: %v", err)
		}
		if err != nil || fromFile.IsNilOrEmpty() {
			fromFile = kyaml.NewMapRNode(nil)
		}
		own, err := kyaml.FromMap(inline)
		if err != nil {
			return "", err
		}
		var merged *kyaml.RNode
		switch how {
		case "", "override":
			merged, err = merge2.Merge(own, fromFile, kyaml.MergeOptions{})
		case "merge":
			merged, err = merge2.Merge(fromFile, own, kyaml.MergeOptions{})
		default:
			return "", failf(kindTemplate, "valuesMerge must be one of merge, override, replace, and is %q", how)
		}
		if err != nil {
			return "", err
		}
		if inline, err = merged.Map(); err != nil {
			return "", err
		}
	}
	result, err := yaml.Marshal(inline)
	return string(result), err
}

// releaseName: Helm would make one up from the time; a name that changes with each render would never be in sync.
func releaseName(one types.HelmChart) (string, error) {
	switch {
	case one.NameTemplate != "" && one.ReleaseName != "":
		return "", failf(kindTemplate, "releaseName and nameTemplate exclude each other")
	case one.NameTemplate != "":
		parsed, err := template.New("nameTemplate").Funcs(sprig.TxtFuncMap()).Parse(one.NameTemplate)
		if err != nil {
			return "", failf(kindTemplate, "%v", err)
		}
		var out bytes.Buffer
		if err := parsed.Execute(&out, nil); err != nil {
			return "", failf(kindTemplate, "%v", err)
		}
		return out.String(), nil
	case one.ReleaseName != "":
		return one.ReleaseName, nil
	}
	return "release-name", nil
}

// renderLaid renders a chart to documents that say where they come from, as Kustomize marks them.
func (k *kustomizeFiles) renderLaid(params *helmParams) ([]byte, error) {
	main, err := loadChart(k.source, params.Chart)
	if err != nil {
		return nil, err
	}
	values, err := mergeValues(params)
	if err != nil {
		return nil, err
	}
	if err := addDependencies(k.source, params.Chart, main); err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(main, values); err != nil {
		return nil, err
	}
	place := func(name string) string { return k.readable(k.system(chartFile(params.Chart, main.Name(), name))) }
	result := newRendered(k.source.request)
	result.used = k.used
	if err := renderChart(k.source.request, params, main, values, result, place); err != nil {
		return nil, located(asFailure(err), place)
	}
	text, err := result.finish()
	if err != nil {
		return nil, err
	}
	var answer struct {
		Objects []struct {
			Object map[string]any `json:"object"`
		} `json:"objects"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, one := range answer.Objects {
		mark(one.Object)
		document, err := json.Marshal(one.Object)
		if err != nil {
			return nil, err
		}
		out.WriteString("---\n")
		out.Write(document)
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}

func mark(object map[string]any) {
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		return
	}
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		annotations = map[string]any{}
		metadata["annotations"] = annotations
	}
	annotations[konfig.HelmGeneratedAnnotation] = "true"
}
